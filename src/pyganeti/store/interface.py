"""What the master asks of the place where its state lies. See ``docs/design/0001-state.md``.

Data flow: ``master`` -> :class:`Batch` -> :meth:`Store.commit` -> durable -> acknowledged.
Backends: :mod:`pyganeti.store.sqlite`, :mod:`pyganeti.store.memory` (tests); one contract suite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Table(StrEnum):
    """The kinds of records."""

    CONFIG = "config"
    JOB = "job"
    ARCHIVE = "archive"
    JOURNAL = "journal"
    LEFTOVER = "leftover"
    META = "meta"


LOADED = tuple(table for table in Table if table is not Table.ARCHIVE)
"""Tables that :meth:`Store.load` returns; archived jobs are read one by one."""

CONFIG_SERIAL = "config_serial"
EPOCH = "epoch"
SEQ = "seq"
IMPORTED = "imported"
"""There since a file was made the state, until a master has begun with it: what candidates have
besides is given up on purpose, and nothing is known of jobs that ran."""

Contents = dict[Table, dict[str, bytes]]
"""Records by table and key."""


@dataclass(frozen=True, slots=True)
class Put:
    """Set one record."""

    table: Table
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one record; a missing one is fine."""

    table: Table
    key: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Writes that become true together.

    Attributes:
        writes: in order; a later write of the same key wins.
        base_serial: refuse unless ``meta/config_serial`` is this; the batch then moves it on.
    """

    writes: tuple[Put | Delete, ...]
    base_serial: int | None = None


class Store(Protocol):
    """A durable set of records, fenced by epoch."""

    async def load(self) -> Contents:
        """All records of the :data:`LOADED` tables.

        Raises:
            StoreCorrupt: something is damaged; nothing is served.
        """
        ...

    async def read(self, table: Table, key: str) -> bytes | None:
        """One record.

        Raises:
            StoreCorrupt: the record is damaged.
        """
        ...

    async def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """The records of ``keys`` that exist, as they were at one moment.

        Args:
            table: where they are.
            keys: some hundreds; nobody is served while they are read.

        Raises:
            StoreCorrupt: a record is damaged.
        """
        ...

    async def keys(self, table: Table) -> list[str]:
        """Keys of a table, sorted as text."""
        ...

    async def commit(self, batch: Batch) -> None:
        """Make ``batch`` durable: atomic, ordered, together with others that wait.

        Raises:
            StoreConflict: ``base_serial`` is not the serial any more; nothing was written.
            StoreFenced: a higher epoch was written; nothing was written.
            ConfigurationError: the store refused (a full disk); nothing was written.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go."""
        ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """Writes of one or more batches as one candidate gets them.

    Attributes:
        seq: one above the transaction before it.
        writes: what became true; compare-and-set was decided by the master.
    """

    seq: int
    writes: tuple[Put | Delete, ...]


@dataclass(frozen=True, slots=True)
class Dump:
    """Everything, archived jobs included, as it was after transaction ``seq``."""

    seq: int
    contents: Mapping[Table, Mapping[str, bytes]]
