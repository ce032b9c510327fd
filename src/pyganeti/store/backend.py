"""The blocking core that both the master's store and a candidate's replica stand on.

A backend applies one transaction at a time on one thread; grouping, replication and the event loop
are :mod:`pyganeti.store.committer`'s business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from zlib import crc32

from pyganeti.model.errors import StoreFenced
from pyganeti.store.interface import Contents, Delete, Dump, Put, Table, Transaction


class Snapshot(Protocol):
    """Everything as it was after one transaction; the backend goes on meanwhile.

    Attributes:
        seq: the number of that transaction.
    """

    seq: int

    def writes(self, archived: Mapping[str, int]) -> Iterator[Put | Delete]:
        """What makes a backend the same that has lost all but its archive.

        Args:
            archived: the checksums of that archive; its rows that are the same are left out.
        """
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Backend(Protocol):
    """A set of records that can be changed atomically and durably. Not thread-safe."""

    def load(self) -> Contents:
        """All records but the archive; raises ``StoreCorrupt``."""
        ...

    def read(self, table: Table, key: str) -> bytes | None:
        """One record; raises ``StoreCorrupt``."""
        ...

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the records that exist; raises ``StoreCorrupt``."""
        ...

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        ...

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """Make the writes and ``meta/seq`` durable, all or nothing.

        Args:
            transaction: what to write; its number follows the stored one.
            epoch: the highest term that may be stored; ``None`` for any.

        Raises:
            StoreFenced: a higher epoch is stored, or another handle has written since our last
                transaction; nothing changed.
            ConfigurationError: refused (a full disk); nothing changed.
        """
        ...

    def dump(self) -> Dump:
        """Everything."""
        ...

    def snapshot(self) -> Snapshot:
        """Everything, to be read on any one thread, piece by piece."""
        ...

    def checksums(self, table: Table, after: str, limit: int) -> dict[str, int]:
        """CRC-32 of table, key and value of the first ``limit`` rows with keys above ``after``."""
        ...

    def stage(self, writes: Iterable[Put | Delete]) -> None:
        """Set ``writes`` aside for :meth:`take_staged`; a crash forgets them."""
        ...

    def drop_staged(self) -> None:
        """Forget what was set aside."""
        ...

    def take_staged(self, seq: int) -> None:
        """Remove all but the archive and apply what was set aside, atomically and durably."""
        ...

    def restore(self, dump: Dump) -> None:
        """Replace everything by ``dump``, atomically and durably."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def row_crc(table: bytes, key: bytes, value: bytes) -> int:
    """The checksum of a row."""
    return crc32(value, crc32(b"%s\0%s\0" % (table, key)))


def check_turn(stored_seq: int, stored_epoch: int, seq: int, epoch: int | None) -> None:
    """Whether transaction ``seq`` of term ``epoch`` may be applied to what is stored.

    Raises:
        StoreFenced: it may not.
    """
    if epoch is not None and stored_epoch > epoch:
        raise StoreFenced(f"the store obeys term {stored_epoch}, this master has {epoch}")
    if seq != stored_seq + 1:
        raise StoreFenced(f"the store is at change {stored_seq}, {seq} does not follow it")
