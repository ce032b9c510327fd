"""Copies of the database on candidates: which is the newest, what is in it. Reads only.

A change that was acknowledged as replicated lies on more than half of the candidates, so any half
of them has it. Copies are beginnings of one history, ordered by term and number: the newest of the
half has all of it. See ``docs/design/0014-master-failover.md``.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.master.asking import ask_all
from pyganeti.master.config import load_view
from pyganeti.model.errors import ConfigurationError
from pyganeti.model.view import ClusterView
from pyganeti.store.codec import decode_writes
from pyganeti.store.interface import LOADED, Contents, Put, Table
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeClient
from pyganeti.wire.noderpc.store import StoreReadCall, StoreStateCall
from pyganeti.wire.noderpc.types import StorePage, StoreState

# Fewer than a node puts on one page.
_CHUNK: Final = 400


@dataclass(frozen=True, slots=True)
class Copy:
    """A candidate's copy.

    Attributes:
        node: where it is.
        seq: the last transaction that it has.
        epoch: the term of that.
    """

    node: NodeAddress
    seq: int
    epoch: int

    @property
    def age(self) -> tuple[int, int]:
        """Grows with each change of the history."""
        return self.epoch, self.seq


@dataclass(frozen=True, slots=True)
class Copies:
    """What was found.

    Attributes:
        found: by name of the node.
        silent: why others did not answer, by name.
        newest: the one to go on with; this node's own if there is no newer one.
        view: the configuration in it.
        meta: the records beside it.
    """

    found: Mapping[str, Copy]
    silent: Mapping[str, str]
    newest: Copy
    view: ClusterView
    meta: Mapping[str, bytes]

    def missing(self) -> list[str]:
        """Names of the candidates, by the newest copy, that did not answer."""
        return [node.name for node in self.view.master_candidates() if node.name not in self.found]

    def are_enough(self) -> bool:
        """Whether none of what was acknowledged as replicated can be missing."""
        candidates = self.view.master_candidates()
        return (len(candidates) - len(self.missing())) * 2 >= len(candidates)


class CopyReader:
    """Reads copies through the node daemons.

    Args:
        client: makes calls.
        ctx: who asks.
        me: this node; it is asked as the others are.
    """

    def __init__(self, client: NodeClient, ctx: CallContext, me: NodeAddress) -> None:
        self._client = client
        self._ctx = ctx
        self._me = me

    async def find(
        self, candidates: Iterable[NodeAddress], excluded: Collection[str] = ()
    ) -> Copies:
        """Ask ``candidates``, and those that the newest copy knows besides.

        Args:
            candidates: whom to ask first.
            excluded: names of the nodes that are not asked.

        Raises:
            GenericError: this node's own copy, or the newest one, cannot be read.
        """
        asked: dict[str, NodeAddress] = {}
        found: dict[str, Copy] = {}
        silent: dict[str, str] = {}
        more = {node.name: node for node in (self._me, *candidates)}
        while True:
            asked |= more
            states = await ask_all(self._client, more.values(), StoreStateCall(), self._ctx)
            for name, state in states.items():
                if isinstance(state, StoreState):
                    found[name] = Copy(more[name], state.seq, state.epoch)
                elif name == self._me.name:
                    raise state
                else:
                    silent[name] = str(state)
            newest = max(found.values(), key=lambda copy: (copy.age, copy.node == self._me))
            contents = await self._contents(newest)
            view = load_view(contents)
            more = {
                node.name: NodeAddress(node.name, node.primary_ip, self._me.port)
                for node in view.master_candidates()
                if node.name not in asked and node.name not in excluded
            }
            if not more:
                return Copies(found, silent, newest, view, contents[Table.META])

    async def _contents(self, copy: Copy) -> Contents:
        """Configuration and what lies beside it."""
        contents: Contents = {table: {} for table in LOADED}
        for table in (Table.CONFIG, Table.META):
            async for rows in self.rows(copy, table):
                contents[table] |= {row.key: row.value for row in rows}
        if not contents[Table.CONFIG]:
            raise ConfigurationError(f"the copy of node {copy.node.name} is empty")
        return contents

    async def rows(self, copy: Copy, table: Table) -> AsyncIterator[list[Put]]:
        """All records of a table but the archive's, piece by piece.

        Raises:
            ConfigurationError: the copy is not as it was: somebody writes to it.
        """
        after, more = "", True
        while more:
            page = await self._read(copy, StoreReadCall(table=table, after=after))
            rows = _rows(page)
            yield rows
            after, more = rows[-1].key if rows else "", page.more and bool(rows)

    async def named(self, copy: Copy, keys: list[str]) -> AsyncIterator[list[Put]]:
        """Archived jobs with these keys, piece by piece; as :meth:`rows`."""
        while keys:
            chunk = tuple(keys[:_CHUNK])
            page = await self._read(copy, StoreReadCall(table=Table.ARCHIVE, keys=chunk))
            rows = _rows(page)
            yield rows
            # What is left out for its size comes next; what is not there any more does not.
            had = {row.key for row in rows} if page.more else set(chunk)
            keys = [key for key in chunk if key not in had] + keys[_CHUNK:]

    async def _read(self, copy: Copy, call: StoreReadCall) -> StorePage:
        page = await self._client.call(copy.node, call, self._ctx)
        if (page.epoch, page.seq) != copy.age:
            raise ConfigurationError(f"the copy of node {copy.node.name} changed while it was read")
        return page


def _rows(page: StorePage) -> list[Put]:
    return [row for row in decode_writes(page.rows) if isinstance(row, Put)]
