"""What the contract suite needs of each backend, and a committer that runs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from pyganeti.kit.worker import Worker
from pyganeti.store.backend import Backend, Snapshot
from pyganeti.store.committer import Committer, Replication
from pyganeti.store.interface import Batch, Contents, Delete, Dump, Put, Table, Transaction
from pyganeti.store.memory import MemoryBackend
from pyganeti.store.sqlite import SqliteBackend

DATABASE_FILES = ("", "-wal", "-mark")
"""Suffixes of the files that make up a database; ``-shm`` is rebuilt."""


class Storage(Protocol):
    """A place where records lie."""

    needs_thread: bool

    def open(self) -> Backend:
        """A further handle on it."""
        ...

    def after_crash(self) -> Backend:
        """What a new process finds that starts now; handles that are open stay as they are."""
        ...


class MemoryStorage:
    """One memory backend; a crash of the master does not touch it."""

    needs_thread = False

    def __init__(self) -> None:
        self._backend = MemoryBackend()

    def open(self) -> Backend:
        """The backend itself."""
        return self._backend

    def after_crash(self) -> Backend:
        """A copy, so that later changes do not show."""
        copy = MemoryBackend()
        copy.restore(self._backend.dump())
        return copy


class SqliteStorage:
    """A database in a directory of its own."""

    needs_thread = True

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._crashes = 0
        self._opened: list[SqliteBackend] = []
        self.path = os.path.join(directory, "state.db")

    def open(self) -> Backend:
        """A new connection."""
        self._opened.append(SqliteBackend(self.path))
        return self._opened[-1]

    def after_crash(self) -> Backend:
        """A connection to a copy of the files as they are, log included."""
        self._crashes += 1
        path = os.path.join(self._directory, f"crash{self._crashes}.db")
        copy_database(self.path, path)
        self._opened.append(SqliteBackend(path))
        return self._opened[-1]

    def close(self) -> None:
        """Close all handles."""
        for backend in self._opened:
            backend.close()


def copy_database(source: str, target: str) -> None:
    """The files of a database as ``kill -9`` would leave them."""
    for suffix in DATABASE_FILES:
        if os.path.exists(source + suffix):
            shutil.copyfile(source + suffix, target + suffix)


class CountingBackend:
    """Passes on, remembers the transactions, and refuses when it was told to."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.applied: list[Transaction] = []
        self.refuse: Exception | None = None
        self.is_closed = False

    def load(self) -> Contents:
        """Pass on."""
        return self._backend.load()

    def read(self, table: Table, key: str) -> bytes | None:
        """Pass on."""
        return self._backend.read(table, key)

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Pass on."""
        return self._backend.read_many(table, keys)

    def keys(self, table: Table) -> list[str]:
        """Pass on."""
        return self._backend.keys(table)

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """Pass on and remember, or refuse once."""
        if self.refuse is not None:
            refusal, self.refuse = self.refuse, None
            raise refusal
        self._backend.apply(transaction, epoch=epoch)
        self.applied.append(transaction)

    def dump(self) -> Dump:
        """Pass on."""
        return self._backend.dump()

    def snapshot(self) -> Snapshot:
        """Pass on."""
        return self._backend.snapshot()

    def checksums(self, table: Table, after: str, limit: int) -> dict[str, int]:
        """Pass on."""
        return self._backend.checksums(table, after, limit)

    def stage(self, writes: Iterable[Put | Delete]) -> None:
        """Pass on."""
        self._backend.stage(writes)

    def drop_staged(self) -> None:
        """Pass on."""
        self._backend.drop_staged()

    def take_staged(self, seq: int) -> None:
        """Pass on."""
        self._backend.take_staged(seq)

    def restore(self, dump: Dump) -> None:
        """Pass on."""
        self._backend.restore(dump)

    def close(self) -> None:
        """Pass on and remember."""
        self.is_closed = True
        self._backend.close()


T = TypeVar("T")


def start(work: Coroutine[object, object, T]) -> "asyncio.Task[T]":
    """A task of the test's own, for tests that cancel it or look at it under way."""
    return asyncio.get_running_loop().create_task(work)


def job(key: str, value: bytes = b"{}") -> Put:
    """A job's record."""
    return Put(Table.JOB, key, value)


def batch(*writes: Put | Delete, base: int | None = None) -> Batch:
    """A batch of ``writes``."""
    return Batch(writes, base)


@asynccontextmanager
async def committing(
    storage: Storage,
    backend: Backend | None = None,
    *,
    epoch: int = 0,
    replication: Replication | None = None,
) -> AsyncIterator[Committer]:
    """A committer that has loaded and runs; closed at the end."""
    worker = Worker("store") if storage.needs_thread else None
    store = Committer(backend or storage.open(), worker, epoch)
    store.replication = replication
    try:
        await store.load()
        async with asyncio.TaskGroup() as group:
            group.create_task(store.run())
            yield store
            await store.close()
    finally:
        if worker is not None:
            worker.close()
