"""Records in one SQLite database.

WAL and ``synchronous=FULL``: a transaction is one append and one sync, whatever the size of the
cluster. Each row carries a CRC-32, and the :mod:`file <pyganeti.store.sqlite_file>` is checked
before it is opened. Source: sqlite.org, "Write-Ahead Logging".
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

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
from pyganeti.store.sqlite_file import DatabaseFile

_PUT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM records WHERE tbl = ? AND key = ?"
_MAKE_STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS staged (
        tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB, crc INTEGER, PRIMARY KEY (tbl, key)
    ) WITHOUT ROWID
"""
_STAGE: Final = "INSERT OR REPLACE INTO temp.staged VALUES (?, ?, ?, ?)"
_TAKE_STAGED: Final = (
    "DELETE FROM records WHERE tbl != 'archive'",
    """
    DELETE FROM records WHERE tbl = 'archive'
    AND key IN (SELECT key FROM temp.staged WHERE tbl = 'archive' AND value IS NULL)
    """,
    "INSERT OR REPLACE INTO records SELECT * FROM temp.staged WHERE value IS NOT NULL",
)
_STATE: Final = "SELECT key, value FROM records WHERE tbl = 'meta' AND key IN ('epoch', 'seq')"


class SqliteSnapshot:
    """See :class:`pyganeti.store.backend.Snapshot`: a transaction that only reads.

    Args:
        file: where the records lie; it gets a connection of its own.
    """

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        with file.translated():
            self._db = file.connect("ro")
            self._db.execute("BEGIN")
            # The first read fixes what is seen.
            state = {key: int(value) for key, value in self._db.execute(_STATE)}
        self.seq = state.get(SEQ.encode(), 0)

    def writes(self, archived: Mapping[str, int]) -> Iterator[Put | Delete]:
        """See :class:`pyganeti.store.backend.Snapshot`."""
        missing = dict(archived)
        with self._file.translated():
            for row in self._db.execute("SELECT tbl, key, value, crc FROM records"):
                table, key = Table(row[0].decode()), row[1].decode()
                value = self._file.check_row(*row)
                if table is not Table.ARCHIVE or missing.pop(key, None) != row[3]:
                    yield Put(table, key, value)
        for key in missing:
            yield Delete(Table.ARCHIVE, key)

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()


class SqliteBackend:
    """See :class:`pyganeti.store.backend.Backend`.

    Args:
        path: database file; made with mode 0600 when it is missing.
        synchronous: ``FULL``. The power-cut test passes ``OFF`` to see itself fail.

    Raises:
        StoreCorrupt: the file is damaged, or not one of ours. It is left as it is.
        ConfigurationError: it cannot be opened or written.
    """

    def __init__(self, path: str, *, synchronous: str = "FULL") -> None:
        self.path = path
        self._file = DatabaseFile(path)
        self._db = self._file.open(synchronous)

    def load(self) -> Contents:
        """All records but the archive."""
        return self._rows(LOADED)

    def _rows(self, tables: tuple[Table, ...]) -> Contents:
        """One statement, so one snapshot, whoever else writes meanwhile."""
        contents: Contents = {table: {} for table in tables}
        by_name = {table.encode(): rows for table, rows in contents.items()}
        marks = ", ".join("?" * len(tables))
        with self._file.translated():
            for tbl, key, value, crc in self._db.execute(
                f"SELECT tbl, key, value, crc FROM records WHERE tbl IN ({marks})",  # noqa: S608
                [table.value for table in tables],
            ):
                by_name[tbl][key.decode()] = self._file.check_row(tbl, key, value, crc)
        return contents

    def read(self, table: Table, key: str) -> bytes | None:
        """One record."""
        with self._file.translated():
            row = self._db.execute(
                "SELECT value, crc FROM records WHERE tbl = ? AND key = ?", (table.value, key)
            ).fetchone()
        return None if row is None else self._file.check_row(table.encode(), key.encode(), *row)

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the records that exist."""
        places = ",".join("?" * len(keys))
        with self._file.translated():
            rows = self._db.execute(
                f"SELECT key, value, crc FROM records WHERE tbl = ? AND key IN ({places})",  # noqa: S608
                (table.value, *keys),
            ).fetchall()
        return {
            key.decode(): self._file.check_row(table.encode(), key, value, crc)
            for key, value, crc in rows
        }

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        with self._file.translated():
            rows = self._db.execute(
                "SELECT key FROM records WHERE tbl = ? ORDER BY key", (table.value,)
            )
            return [key.decode() for (key,) in rows]

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """Apply all writes and the sequence number in one SQLite transaction."""
        with self._atomic():
            self._check_turn(transaction.seq, epoch)
            for write in transaction.writes:
                if isinstance(write, Put):
                    self._put(write.table, write.key, write.value)
                else:
                    self._db.execute(_DELETE, (write.table.value, write.key))
            self._put(Table.META, SEQ, str(transaction.seq).encode())
        self._file.mark.advance(transaction.seq)

    def _check_turn(self, seq: int, epoch: int | None) -> None:
        """Inside the transaction: another process may have written since our last one."""
        state = {key.decode(): int(value) for key, value in self._db.execute(_STATE)}
        check_turn(state.get(SEQ, 0), state.get(EPOCH, 0), seq, epoch)

    def _put(self, table: Table, key: str, value: bytes) -> None:
        crc = row_crc(table.encode(), key.encode(), value)
        self._db.execute(_PUT, (table.value, key, value, crc))

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        with self._file.translated():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        # A full disk may have rolled back already; then there is nothing to roll back. An error
        # here must not hide the first one.
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def dump(self) -> Dump:
        """Everything."""
        contents = self._rows(tuple(Table))
        return Dump(int(contents[Table.META].get(SEQ, b"0")), contents)

    def snapshot(self) -> SqliteSnapshot:
        """Everything as it is now, on a connection of its own."""
        return SqliteSnapshot(self._file)

    def checksums(self, table: Table, after: str, limit: int) -> dict[str, int]:
        """CRC-32 of the first ``limit`` rows with keys above ``after``."""
        with self._file.translated():
            rows = self._db.execute(
                "SELECT key, crc FROM records WHERE tbl = ? AND key > ? ORDER BY key LIMIT ?",
                (table.value, after, limit),
            )
            return {key.decode(): crc for key, crc in rows}

    def stage(self, writes: Iterable[Put | Delete]) -> None:
        """Set ``writes`` aside in a table that is gone with this connection."""
        rows = []
        for write in writes:
            value = write.value if isinstance(write, Put) else None
            name = write.table.encode(), write.key.encode()
            crc = None if value is None else row_crc(*name, value)
            rows.append((write.table.value, write.key, value, crc))
        with self._atomic():
            self._db.execute(_MAKE_STAGE)
            self._db.executemany(_STAGE, rows)

    def drop_staged(self) -> None:
        """Forget what was set aside."""
        with self._file.translated():
            self._db.execute("DROP TABLE IF EXISTS temp.staged")

    def take_staged(self, seq: int) -> None:
        """Remove all but the archive and apply what was set aside, in one SQLite transaction."""

        def fill() -> None:
            for statement in _TAKE_STAGED:
                self._db.execute(statement)

        self.stage(())  # so that there is a table
        self._replace(seq, fill)
        self.drop_staged()

    def restore(self, dump: Dump) -> None:
        """Replace everything in one SQLite transaction."""

        def fill() -> None:
            self._db.execute("DELETE FROM records")
            for table, rows in dump.contents.items():
                for key, value in rows.items():
                    self._put(table, key, value)

        self._replace(dump.seq, fill)

    def _replace(self, seq: int, fill: Callable[[], object]) -> None:
        with self._file.translated():
            # First, since the new contents may have a lower number.
            self._file.mark.reset()
        with self._atomic():
            fill()
            self._put(Table.META, SEQ, str(seq).encode())
        self._file.mark.advance(seq)

    def close(self) -> None:
        """Close the file; what was applied is durable already."""
        self._db.close()
        self._file.mark.close()
