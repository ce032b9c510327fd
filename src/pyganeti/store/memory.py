"""A backend that forgets with the process, for simulated clusters. Same contract suite as SQLite.

A simulated crash drops the master and keeps the backend: what was applied is there, what was not is
not.
"""

from collections.abc import Sequence

from pyganeti.store.backend import check_turn
from pyganeti.store.interface import EPOCH, LOADED, SEQ, Contents, Dump, Put, Table, Transaction


class MemoryBackend:
    """Records in dictionaries."""

    def __init__(self) -> None:
        self._tables: Contents = {table: {} for table in Table}

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
        for write in transaction.writes:
            if isinstance(write, Put):
                self._tables[write.table][write.key] = write.value
            else:
                self._tables[write.table].pop(write.key, None)
        meta[SEQ] = str(transaction.seq).encode()

    def dump(self) -> Dump:
        """Everything."""
        seq = int(self._tables[Table.META].get(SEQ, b"0"))
        return Dump(seq, {table: dict(rows) for table, rows in self._tables.items()})

    def restore(self, dump: Dump) -> None:
        """Replace everything."""
        self._tables = {table: dict(dump.contents.get(table, {})) for table in Table}
        self._tables[Table.META][SEQ] = str(dump.seq).encode()

    def close(self) -> None:
        """Nothing to let go of."""
