"""A candidate's copy of the master's records; called by its node daemon.

Data flow: master's committer -> node call ``store_apply`` -> :class:`Replica` -> own database.
The guarantees are those of ``docs/design/0001-state.md``: no gap, no older epoch, durable before
the answer.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pyganeti.kit.worker import Worker
from pyganeti.model.errors import ConfigurationError, StaleEpoch
from pyganeti.store.backend import Backend
from pyganeti.store.interface import EPOCH, SEQ, Delete, Put, Table, Transaction

T = TypeVar("T")

_PAGE_ROWS: Final = 500
_PAGE_BYTES: Final = 4 * 1024 * 1024


class ReplicaGap(ConfigurationError):
    """A transaction is missing before this one; arguments: text, the replica's seq."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one table and where the replica stood when they were read.

    Attributes:
        more: whether more follow.
    """

    seq: int
    epoch: int
    rows: dict[str, bytes]
    more: bool


class Replica:
    """Applies transactions in order.

    Args:
        open_backend: opens the database when the first call comes, so that a node that is no
            candidate has none.
        worker: makes the blocking calls; ``None`` makes them in the loop.
    """

    def __init__(self, open_backend: Callable[[], Backend], worker: Worker | None) -> None:
        self._open_backend = open_backend
        self._worker = worker
        self._opened: Backend | None = None
        self._last: Transaction | None = None
        # Which whole is being taken, and how many of its parts are here.
        self._loading = (-1, -1, 0)
        self._turn = asyncio.Lock()

    async def _blocking(self, call: Callable[[Backend], T]) -> T:
        def work() -> T:
            if self._opened is None:
                self._opened = self._open_backend()
            return call(self._opened)

        async with self._turn:
            return work() if self._worker is None else await self._worker.run(work)

    async def state(self) -> tuple[int, int]:
        """``(seq, epoch)`` of what is stored; zeros when nothing is."""
        return await self._blocking(_state)

    async def apply(self, epoch: int, transactions: list[Transaction]) -> int:
        """Apply ``transactions`` in order and return the new seq; those already here are skipped.

        Raises:
            ReplicaGap: one is missing; what came before it is applied.
            StaleEpoch: this replica obeys a higher epoch.
        """

        def work(backend: Backend) -> int:
            seq, stored = _state(backend)
            if stored > epoch:
                raise StaleEpoch(f"this replica obeys term {stored}, not {epoch}", stored)
            for transaction in transactions:
                if transaction.seq <= seq:
                    self._check_repeat(transaction)
                    continue
                if transaction.seq != seq + 1:
                    raise ReplicaGap(f"has {seq}, was sent {transaction.seq}", seq)
                backend.apply(transaction, epoch=epoch)
                seq = transaction.seq
                self._last = transaction
            return seq

        return await self._blocking(work)

    def _check_repeat(self, transaction: Transaction) -> None:
        """A transaction that is here already must be the one that was applied under its number.

        Only the last one is remembered, and only by this process. Of any other nobody can say what
        it was: it counts as a gap, and the master sends the whole.
        """
        if transaction != self._last:
            text = f"transaction {transaction.seq} is here already, perhaps with other content"
            raise ReplicaGap(text, transaction.seq)

    async def checksums(self, after: str, limit: int) -> dict[str, int]:
        """Checksums of the first ``limit`` archived jobs with keys above ``after``."""
        return await self._blocking(lambda backend: backend.checksums(Table.ARCHIVE, after, limit))

    async def page(self, table: Table, after: str, keys: Sequence[str] = ()) -> Page:
        """The records with ``keys``, or the first ones above ``after``, by key.

        A page ends after some megabytes or some hundreds of records; with ``keys`` it then lacks
        the last ones.
        """

        def work(backend: Backend) -> Page:
            wanted = list(keys)[:_PAGE_ROWS] or list(backend.checksums(table, after, _PAGE_ROWS))
            found = backend.read_many(table, wanted)
            rows, room = dict[str, bytes](), _PAGE_BYTES
            for key in wanted:
                if key in found and room > 0:
                    rows[key] = found[key]
                    room -= len(found[key])
            more = len(rows) < len(found) or max(len(wanted), len(keys)) >= _PAGE_ROWS
            return Page(*_state(backend), rows, more)

        return await self._blocking(work)

    async def load(
        self, epoch: int, seq: int, part: int, writes: Iterable[Put | Delete], *, is_last: bool
    ) -> None:
        """Take a part of the whole; with the last one it replaces all but the archive.

        Args:
            epoch: the master's term.
            seq: where the whole stands.
            part: counts from 0, which begins anew.
            writes: what the part sets, or removes from the archive.
            is_last: nothing has changed before this one.

        Raises:
            ReplicaGap: the parts before this one are not here (any more).
            StaleEpoch: this replica obeys a higher epoch.
        """

        def work(backend: Backend) -> None:
            stored_seq, stored = _state(backend)
            if stored > epoch:
                raise StaleEpoch(f"this replica obeys term {stored}, not {epoch}", stored)
            if part == 0:
                backend.drop_staged()
            elif self._loading != (epoch, seq, part):
                raise ReplicaGap(f"part {part} of the whole does not follow", stored_seq)
            backend.stage(writes)
            self._loading = (epoch, seq, part + 1)
            if is_last:
                backend.take_staged(seq)
                self._last, self._loading = None, (-1, -1, 0)

        await self._blocking(work)

    async def close(self) -> None:
        """Let go of the database; the next call opens it again."""

        async with self._turn:
            opened, self._opened = self._opened, None
            self._loading = (-1, -1, 0)
            if opened is None:
                return
            if self._worker is None:
                opened.close()
            else:
                await self._worker.run(opened.close)


def _state(backend: Backend) -> tuple[int, int]:
    seq = backend.read(Table.META, SEQ) or b"0"
    return int(seq), int(backend.read(Table.META, EPOCH) or b"0")
