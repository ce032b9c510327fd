"""Keeps the candidates' databases in step with the master's; see ``docs/design/0001-state.md``.

Data flow: committer (transaction durable here) -> :meth:`CandidateReplication.send` -> node call
``store_apply`` on each candidate -> acknowledged, or declared lost by a further transaction.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.durations import Durations
from pyganeti.kit.threads import in_thread
from pyganeti.master.nodes import NodeReader, NodeWriter
from pyganeti.model.errors import ConfigurationError, GenericError, StaleEpoch, StoreFenced
from pyganeti.store.backend import Snapshot
from pyganeti.store.codec import decode_checksums, encode_pieces, encode_writes
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Contents, Put, Table, Transaction
from pyganeti.wire.noderpc.store import (
    StoreApplyCall,
    StoreArchivedCall,
    StoreLoadCall,
    StoreStateCall,
)
from pyganeti.wire.noderpc.types import StoreState

_log = logging.getLogger(__name__)

LOST: Final = "lost"
ANSWER_TIMEOUT_S: Final = 5.0
RETRY_S: Final = 5.0
# More transactions than this behind, and the whole is cheaper to send than what is missing.
_MAX_BACKLOG: Final = 2000
# Archived jobs whose checksums are asked for at once: a few hundred kilobytes.
_CHECKSUMS: Final = 10_000


class CandidateReplication:
    """Sends each transaction to the candidates.

    Args:
        store: the master's store, for the lost list and for dumps.
        nodes: makes the calls.
        clock: for the pauses between tries.
        confirmed: is told how long each change took to be confirmed.
    """

    def __init__(
        self, store: Committer, nodes: NodeWriter, clock: Clock, confirmed: Durations
    ) -> None:
        self._store = store
        self._nodes = nodes
        self._clock = clock
        self._confirmed = confirmed
        self._live: set[str] = set()
        self._lost: set[str] = set()
        self._silent: set[str] = set()
        # Since when each lost candidate lacks changes, as far as this master knows.
        self._since: dict[str, float] = {}
        self._backlog: dict[str, list[Transaction]] = {}
        self._wakeup = asyncio.Event()
        # After a start nobody has been asked yet, so nothing can be said of the candidates.
        self._asked = False
        self._on_minority: list[Callable[[], None]] = []
        self._on_return: list[Callable[[str], None]] = []

    def load(self, contents: Contents, candidates: Iterable[str]) -> None:
        """Start a term: all candidates count as lost until they have caught up."""
        self._lost = set(msgspec.json.decode(contents[Table.META].get(LOST, b"[]"), type=list[str]))
        self.set_candidates(candidates)

    @property
    def lost(self) -> frozenset[str]:
        """UUIDs of candidates that do not have all acknowledged changes."""
        return frozenset(self._lost)

    @property
    def silent(self) -> frozenset[str]:
        """Those of them that did not confirm when they were tried; others are being caught up."""
        return frozenset(self._silent & self._lost)

    @property
    def is_majority_live(self) -> bool:
        """Whether most candidates, the master counted, have all acknowledged changes."""
        others = len(self._live) + len(self._lost)
        return (len(self._live) + 1) * 2 > others + 1

    @property
    def is_minority_known(self) -> bool:
        """Whether it is certain that most candidates lack acknowledged changes."""
        return self._asked and not self.is_majority_live

    def count(self) -> tuple[int, int]:
        """Candidates with all acknowledged changes, and all candidates, the master counted."""
        return len(self._live) + 1, len(self._live) + len(self._lost) + 1

    @property
    def lag_s(self) -> float:
        """How long the candidate that is behind the longest has lacked changes; 0 if none does."""
        now = self._clock.monotonic()
        return max((now - since for since in self._since.values()), default=0.0)

    def _note_lost(self) -> None:
        now = self._clock.monotonic()
        self._since = {node: self._since.get(node, now) for node in self._lost}

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when changes begin to be acknowledged without a majority."""
        self._on_minority.append(listener)

    def subscribe_returns(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with each candidate that was lost and has all changes again."""
        self._on_return.append(listener)

    def _tell(self, *, before: bool) -> None:
        if self.is_minority_known and not before:
            for listener in self._on_minority:
                listener()

    def set_candidates(self, candidates: Iterable[str]) -> None:
        """The candidates other than the master, by UUID; new ones are lost until caught up."""
        wanted = set(candidates)
        self._live &= wanted
        self._lost = (self._lost & wanted) | (wanted - self._live)
        self._note_lost()
        if self._lost:
            self._wakeup.set()

    async def send(self, transaction: Transaction) -> None:
        """See :class:`pyganeti.store.committer.Replication`."""
        for backlog in self._backlog.values():
            backlog.append(transaction)
        pending, before = transaction, self.is_minority_known
        begin = self._clock.monotonic()
        while failed := await self._apply(self._live, pending):
            self._live -= failed
            self._lost |= failed
            self._silent |= failed
            self._note_lost()
            self._wakeup.set()
            pending = await self._append_lost()
            for backlog in self._backlog.values():
                backlog.append(pending)
        self._confirmed.add(self._clock.monotonic() - begin)
        self._tell(before=before)

    async def _append_lost(self) -> Transaction:
        """Make the lost list durable. Nothing may be acknowledged before, so a full disk is waited
        out: nothing else could be committed meanwhile anyway."""
        while True:
            try:
                return await self._store.append((self._lost_record(),))
            except StoreFenced:
                raise
            except ConfigurationError as err:
                _log.error("the list of lost candidates cannot be written, trying again: %s", err)
                await self._clock.sleep(RETRY_S)

    def _lost_record(self) -> Put:
        return Put(Table.META, LOST, msgspec.json.encode(sorted(self._lost)))

    async def _apply(self, nodes: Iterable[str], transaction: Transaction) -> set[str]:
        """Send ``transaction`` to ``nodes``; those that have not confirmed it.

        Raises:
            StoreFenced: one obeys a newer master: whatever we still acknowledged would be lost.
        """
        targets = sorted(nodes)
        if not targets:
            return set()
        call = StoreApplyCall(
            first_seq=transaction.seq, batches=(encode_writes(transaction.writes),)
        )
        async with asyncio.TaskGroup() as group:
            tasks = {node: group.create_task(self._problem(node, call)) for node in targets}
        failed = {node: task.result() for node, task in tasks.items() if task.result() is not None}
        for error in failed.values():
            if isinstance(error, StaleEpoch):
                raise StoreFenced(f"another master has taken over: {error}") from error
        return set(failed)

    async def _problem(self, node: str, call: StoreApplyCall) -> Exception | None:
        """Why ``node`` has not confirmed, or ``None``."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._nodes.call(node, call)
        except (GenericError, TimeoutError) as err:
            _log.warning("candidate %s does not confirm changes any more: %s", node, err)
            return err
        return None

    async def run(self) -> None:
        """Bring lost candidates up to date, for ever; one task of the daemon's task group.

        Raises:
            StoreFenced: one of them obeys a newer master.
        """
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            for node in sorted(self._lost):
                try:
                    await self._catch_up(node)
                except StaleEpoch as err:
                    raise StoreFenced(f"another master has taken over: {err}") from err
                except (GenericError, TimeoutError) as err:
                    self._silent.add(node)
                    _log.info("candidate %s cannot be brought up to date yet: %s", node, err)
            before, self._asked = self.is_minority_known, True
            self._tell(before=before)
            if self._lost:
                await self._clock.sleep(RETRY_S)
                self._wakeup.set()

    async def _catch_up(self, node: str) -> None:
        """Send ``node`` everything, then what came since, and take it off the lost list."""
        # Raises before the dump for one that is offline or gone; one that hangs keeps no other.
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await self._nodes.call(node, StoreStateCall())
        archived = await self._archived(node)
        snapshots: list[Snapshot] = []

        def between(snapshot: Snapshot) -> None:
            snapshots.append(snapshot)
            self._backlog[node] = []

        try:
            await self._store.snapshot_between(between)
            await self._send_whole(node, snapshots[0], archived)
            while node in self._lost and (backlog := self._backlog[node]):
                if len(backlog) > _MAX_BACKLOG:
                    return
                self._backlog[node] = []
                await self._send_backlog(node, backlog)
            await self._store.exclusively(lambda: self._rejoin(node))
        finally:
            self._backlog.pop(node, None)
            for snapshot in snapshots:
                snapshot.close()

    async def _archived(self, node: str) -> dict[str, int]:
        """Checksums of the archived jobs that ``node`` has: these do not change any more."""
        found: dict[str, int] = {}
        after = ""
        while True:
            call = StoreArchivedCall(after=after, limit=_CHECKSUMS)
            page = await in_thread(decode_checksums, await self._nodes.call(node, call))
            found |= page
            if len(page) < _CHECKSUMS:
                return found
            after = max(page)

    async def _send_whole(self, node: str, snapshot: Snapshot, archived: dict[str, int]) -> None:
        """Send all that ``snapshot`` has and ``node`` may lack, in pieces."""
        pieces = encode_pieces(snapshot.writes(archived))
        part, piece = 0, await in_thread(next, pieces, b"")
        # One that is a candidate no more is to have nothing: what it had was removed.
        while piece and node in self._lost:
            following = await in_thread(next, pieces, b"")
            call = StoreLoadCall(
                seq=snapshot.seq, part=part, writes=piece, is_last=following == b""
            )
            await self._nodes.call(node, call)
            part, piece = part + 1, following

    async def _send_backlog(self, node: str, backlog: list[Transaction]) -> None:
        batches = tuple(encode_writes(transaction.writes) for transaction in backlog)
        await self._nodes.call(node, StoreApplyCall(first_seq=backlog[0].seq, batches=batches))

    async def _rejoin(self, node: str) -> None:
        """Between two transactions: hand over the rest, then count the candidate again."""
        if node not in self._lost:
            return
        backlog, self._backlog[node] = self._backlog[node], []
        if backlog:
            await self._send_backlog(node, backlog)
        self._lost.discard(node)
        self._silent.discard(node)
        self._note_lost()
        self._live.add(node)
        await self.send(await self._store.append((self._lost_record(),)))
        for listener in self._on_return:
            listener(node)


async def check_not_behind(
    nodes: NodeReader, candidates: Mapping[str, str], seq: int, epoch: int
) -> None:
    """Make sure that no candidate has acknowledged changes that the master's database lacks.

    Candidates get a transaction after the master has it. One that has more, or a later term, was
    written by a master whose disk has since lost some, or got an older copy back: going on would
    lose acknowledged changes, and nobody can say how to bring both together.

    Args:
        nodes: makes the calls, in the new term.
        candidates: whom to ask, name by UUID; one that does not answer cannot object.
        seq: the master's last transaction.
        epoch: the term that wrote it.

    Raises:
        ConfigurationError: names the candidate that has most, both numbers, and what to do.
    """
    states = await nodes.call_all(candidates, StoreStateCall())
    copies = [
        ((state.epoch, state.seq), candidates[node])
        for node, state in states.items()
        if isinstance(state, StoreState)
    ]
    (its_epoch, its_seq), name = max(copies, default=((0, 0), ""))
    if (its_epoch, its_seq) > (epoch, seq):
        raise ConfigurationError(
            f"candidate {name} has change {its_seq} of term {its_epoch}, this database ends with"
            f" {seq} of term {epoch}: it is older, as a backup is, or has lost acknowledged"
            f" changes; 'gnt-cluster master-failover' on {name} goes on with all that was"
            " acknowledged, 'ganeti-masterd --take-config-file' here goes back to config.data and"
            " gives up the rest"
        )
