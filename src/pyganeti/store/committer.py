"""Turns a blocking backend into the master's :class:`~pyganeti.store.interface.Store`.

Batches that wait together share one transaction (one sync). The transaction is made durable here
first, then on every candidate, and only then are the batches acknowledged: see
``docs/design/0001-state.md``. All backend calls happen on one thread, in order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar

from pyganeti.kit.worker import Worker
from pyganeti.model.errors import ConfigurationError, StoreConflict, StoreFenced
from pyganeti.store.backend import Backend, Snapshot
from pyganeti.store.interface import (
    CONFIG_SERIAL,
    EPOCH,
    SEQ,
    Batch,
    Contents,
    Delete,
    Put,
    Table,
    Transaction,
)

T = TypeVar("T")

# More would make one sync slower without making a job cheaper.
_MAX_GROUP: Final = 256


class Replication(Protocol):
    """Where transactions go after they are durable here."""

    async def send(self, transaction: Transaction) -> None:
        """Return when every candidate has the transaction or has been declared lost.

        Whoever was lost is told through :meth:`Committer.append`, which this may call.
        """
        ...


class _Waiting:
    __slots__ = ("batch", "done")

    def __init__(self, batch: Batch, done: asyncio.Future[None]) -> None:
        self.batch = batch
        self.done = done


class Committer:
    """The master's store.

    Args:
        backend: where records lie.
        worker: makes the backend's blocking calls. ``None`` makes them in the loop, which only a
            memory backend allows.
        epoch: the term of this master; see :meth:`take_term`.
    """

    def __init__(self, backend: Backend, worker: Worker | None, epoch: int = 0) -> None:
        self._backend = backend
        self._worker = worker
        self._epoch = epoch
        self._stored_epoch = 0
        self._serial = 0
        self._seq = 0
        self._waiting: deque[_Waiting] = deque()
        self._wakeup = asyncio.Event()
        self._closing = False
        self._turn = asyncio.Lock()
        self.replication: Replication | None = None

    @property
    def seq(self) -> int:
        """Number of the last transaction that is durable here."""
        return self._seq

    @property
    def stored_epoch(self) -> int:
        """The highest term the records have seen."""
        return self._stored_epoch

    async def _blocking(self, call: Callable[[], T]) -> T:
        return call() if self._worker is None else await self._worker.run(call)

    async def load(self) -> Contents:
        """See :class:`~pyganeti.store.interface.Store`."""
        contents = await self._blocking(self._backend.load)
        meta = contents[Table.META]
        self._serial = int(meta.get(CONFIG_SERIAL, b"0"))
        self._seq = int(meta.get(SEQ, b"0"))
        self._stored_epoch = int(meta.get(EPOCH, b"0"))
        return contents

    async def read(self, table: Table, key: str) -> bytes | None:
        """See :class:`~pyganeti.store.interface.Store`."""
        return await self._blocking(lambda: self._backend.read(table, key))

    async def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """See :class:`~pyganeti.store.interface.Store`."""
        return await self._blocking(lambda: self._backend.read_many(table, keys))

    async def keys(self, table: Table) -> list[str]:
        """See :class:`~pyganeti.store.interface.Store`."""
        return await self._blocking(lambda: self._backend.keys(table))

    async def snapshot_between(self, use: Callable[[Snapshot], None]) -> None:
        """Call ``use`` with a snapshot between two transactions: none is under way meanwhile."""
        async with self._turn:
            use(await self._blocking(self._backend.snapshot))

    async def exclusively(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` between two transactions: it may :meth:`append` its own."""
        async with self._turn:
            await work()

    async def commit(self, batch: Batch) -> None:
        """See :class:`~pyganeti.store.interface.Store`.

        A caller that is cancelled does not take its batch back: it becomes durable all the same.
        """
        if self._closing:
            raise ConfigurationError("the store is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A caller that was cancelled does not ask how it ended.
        done.add_done_callback(_seen)
        self._waiting.append(_Waiting(batch, done))
        self._wakeup.set()
        # Not shielded: the batch stays in the queue when this future is cancelled.
        await done

    async def run(self) -> None:
        """Commit what waits, for ever; one task of the daemon's task group.

        Ends after :meth:`close`. When it ends otherwise (cancelled, or by an error that is no
        refusal of the backend), all who wait are told, and nothing more is taken.
        """
        try:
            while not self._closing:
                await self._wakeup.wait()
                self._wakeup.clear()
                while self._waiting:
                    async with self._turn:
                        await self._commit_group()
        finally:
            self._closing = True
            left, self._waiting = self._waiting, deque()
            self._give_up(left, "the store is closed")

    async def _commit_group(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_GROUP))]
        try:
            await self._commit_together(group)
        except BaseException:
            # Cancelled, or replication broke: the next master reads what became of it.
            self._give_up(group, "the store stopped; whether the change was made is unknown")
            raise

    async def _commit_together(self, group: list[_Waiting]) -> None:
        serial, writes, admitted = self._serial, list[Put | Delete](), list[_Waiting]()
        for item in group:
            refusal = self._refusal(item.batch, serial)
            if refusal is not None:
                self._settle(item, refusal)
                continue
            writes += item.batch.writes
            if item.batch.base_serial is not None:
                serial += 1
            admitted.append(item)
        if not admitted:
            return
        if serial != self._serial:
            writes.append(Put(Table.META, CONFIG_SERIAL, str(serial).encode()))
        try:
            transaction = await self._append(tuple(writes))
        except ConfigurationError as err:
            for item in admitted:
                self._settle(item, err)
            return
        self._serial = serial
        if self.replication is not None:
            await self.replication.send(transaction)
        for item in admitted:
            self._settle(item, None)

    def _refusal(self, batch: Batch, serial: int) -> ConfigurationError | None:
        if self._stored_epoch > self._epoch:
            return StoreFenced(
                f"the store obeys term {self._stored_epoch}, this master has {self._epoch}"
            )
        if batch.base_serial is not None and batch.base_serial != serial:
            return StoreConflict(
                f"the configuration is at serial {serial}, the change is for {batch.base_serial}"
            )
        return None

    def _give_up(self, items: Iterable[_Waiting], reason: str) -> None:
        for item in items:
            self._settle(item, ConfigurationError(reason))

    @staticmethod
    def _settle(item: _Waiting, error: ConfigurationError | None) -> None:
        if item.done.done():
            return
        if error is None:
            item.done.set_result(None)
        else:
            # One each: an exception that is raised in many places collects all their tracebacks.
            item.done.set_exception(type(error)(*error.args))

    async def _append(
        self, writes: tuple[Put | Delete, ...], epoch: int | None = None
    ) -> Transaction:
        transaction = Transaction(self._seq + 1, writes)

        def work() -> None:
            self._backend.apply(transaction, epoch=self._epoch if epoch is None else epoch)
            # Here and not after the wait: the number counts even if the caller was cancelled.
            self._seq = transaction.seq

        await self._blocking(work)
        return transaction

    async def append(self, writes: tuple[Put | Delete, ...]) -> Transaction:
        """Make ``writes`` a transaction of their own, from inside :meth:`Replication.send`.

        The caller passes it on to the candidates that are left.
        """
        return await self._append(writes)

    async def take_term(self, epoch: int) -> None:
        """Become the master of ``epoch``: from now on lower terms are refused here.

        Raises:
            StoreFenced: the store obeys this term or a higher one already.
        """
        async with self._turn:
            if epoch <= self._stored_epoch:
                raise StoreFenced(f"the store obeys term {self._stored_epoch}, not {epoch}")
            await self._append((Put(Table.META, EPOCH, str(epoch).encode()),), epoch - 1)
            self._epoch = self._stored_epoch = epoch

    async def close(self) -> None:
        """Take no more, commit what waits, close the backend, end :meth:`run`."""
        self._closing = True
        try:
            async with self._turn:
                while self._waiting:
                    await self._commit_group()
                await self._blocking(self._backend.close)
        finally:
            self._wakeup.set()


def _seen(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
