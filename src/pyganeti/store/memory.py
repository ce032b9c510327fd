"""A backend that forgets with the process, for simulated clusters. Same contract suite as SQLite.

A simulated crash drops the master and keeps the backend: what was applied is there, what was not is
not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyganeti.store.backend import check_turn, row_crc
from pyganeti.store.interface import (
    EPOCH,
    LOADED,
    SEQ,
    Contents,
    Delete,
    Dump,
    Put,
    Table,
    Transaction,
)


class MemorySnapshot:
    """See :class:`pyganeti.store.backend.Snapshot`."""

    def __init__(self, dump: Dump) -> None:
        self.seq = dump.seq
        self._contents = dump.contents

    def writes(self, archived: Mapping[str, int]) -> Iterator[Put | Delete]:
        """See :class:`pyganeti.store.backend.Snapshot`."""
        for table in LOADED:
            for key, value in self._contents[table].items():
                yield Put(table, key, value)
        here = self._contents[Table.ARCHIVE]
        for key, value in here.items():
            if archived.get(key) != _crc(Table.ARCHIVE, key, value):
                yield Put(Table.ARCHIVE, key, value)
        for key in archived.keys() - here.keys():
            yield Delete(Table.ARCHIVE, key)

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryBackend:
    """Records in dictionaries."""

    def __init__(self) -> None:
        self._tables: Contents = {table: {} for table in Table}
        self._staged: list[Put | Delete] = []

    def load(self) -> Contents:
        """All records but the archive."""
        return {table: dict(self._tables[table]) for table in LOADED}

    def read(self, table: Table, key: str) -> bytes | None:
        """One record."""
        return self._tables[table].get(key)

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the records that exist."""
        rows = self._tables[table]
        return {key: rows[key] for key in keys if key in rows}

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        return sorted(self._tables[table])

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """Apply all writes and the sequence number."""
        meta = self._tables[Table.META]
        check_turn(int(meta.get(SEQ, b"0")), int(meta.get(EPOCH, b"0")), transaction.seq, epoch)
        self._write(transaction.writes)
        meta[SEQ] = str(transaction.seq).encode()

    def _write(self, writes: Iterable[Put | Delete]) -> None:
        for write in writes:
            if isinstance(write, Put):
                self._tables[write.table][write.key] = write.value
            else:
                self._tables[write.table].pop(write.key, None)

    def dump(self) -> Dump:
        """Everything."""
        seq = int(self._tables[Table.META].get(SEQ, b"0"))
        return Dump(seq, {table: dict(rows) for table, rows in self._tables.items()})

    def snapshot(self) -> MemorySnapshot:
        """A copy."""
        return MemorySnapshot(self.dump())

    def checksums(self, table: Table, after: str, limit: int) -> dict[str, int]:
        """CRC-32 of the first ``limit`` rows with keys above ``after``."""
        rows = self._tables[table]
        keys = sorted(key for key in rows if key > after)[:limit]
        return {key: _crc(table, key, rows[key]) for key in keys}

    def stage(self, writes: Iterable[Put | Delete]) -> None:
        """Set aside."""
        self._staged += writes

    def drop_staged(self) -> None:
        """Forget."""
        self._staged = []

    def take_staged(self, seq: int) -> None:
        """Apply what was set aside to the archive alone."""
        archive = self._tables[Table.ARCHIVE]
        self._tables = {table: {} for table in LOADED} | {Table.ARCHIVE: archive}
        self._write(self._staged)
        self._staged = []
        self._tables[Table.META][SEQ] = str(seq).encode()

    def restore(self, dump: Dump) -> None:
        """Replace everything."""
        self._tables = {table: dict(dump.contents.get(table, {})) for table in Table}
        self._tables[Table.META][SEQ] = str(dump.seq).encode()

    def close(self) -> None:
        """Nothing to let go of."""


def _crc(table: Table, key: str, value: bytes) -> int:
    return row_crc(table.encode(), key.encode(), value)
