"""Records in one SQLite database.

WAL and ``synchronous=FULL``: a transaction is one append and one sync, whatever the size of the
cluster. Each value carries a CRC-32 and the whole file is checked at open, so that damage is found
before anything is served. Source: sqlite.org, "Write-Ahead Logging", "How To Corrupt".
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from zlib import crc32

from pyganeti.model.errors import ConfigurationError, StoreCorrupt
from pyganeti.store.interface import LOADED, SEQ, Contents, Dump, Put, Table, Transaction

_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE records (
    tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (tbl, key)
) WITHOUT ROWID
"""
_PUT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM records WHERE tbl = ? AND key = ?"


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
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as err:
            raise ConfigurationError(f"cannot open the database {path}: {err}") from err
        try:
            with self._translated():
                self._open(synchronous)
        except ConfigurationError:
            self._db.close()
            raise

    def _open(self, synchronous: str) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(f"PRAGMA synchronous={synchronous}")
        if version == 0:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
            self._db.execute("COMMIT")
        elif version != _SCHEMA_VERSION:
            raise ConfigurationError(
                f"the database {self.path} has format {version},"
                f" this program reads format {_SCHEMA_VERSION}"
            )
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise self._corrupt(verdict)

    def _corrupt(self, what: object) -> StoreCorrupt:
        text = " ".join(str(what).split())
        return StoreCorrupt(
            f"the database {self.path} is damaged ({text}) and was left as it is; restore it from"
            " a master candidate or move it away to start from config.data"
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as err:
            raise ConfigurationError(f"the database {self.path} refused: {err}") from err
        except sqlite3.DatabaseError as err:
            raise self._corrupt(err) from err

    def _value(self, table: str, key: str, value: bytes, crc: int) -> bytes:
        if crc32(value) != crc:
            raise self._corrupt(f"checksum of {table}/{key}")
        return value

    def load(self) -> Contents:
        """All records but the archive."""
        return {table: self._rows(table) for table in LOADED}

    def _rows(self, table: Table) -> dict[str, bytes]:
        with self._translated():
            rows = self._db.execute(
                "SELECT key, value, crc FROM records WHERE tbl = ?", (table.value,)
            )
            return {key: self._value(table, key, value, crc) for key, value, crc in rows}

    def read(self, table: Table, key: str) -> bytes | None:
        """One record."""
        with self._translated():
            row = self._db.execute(
                "SELECT value, crc FROM records WHERE tbl = ? AND key = ?", (table.value, key)
            ).fetchone()
        return None if row is None else self._value(table, key, row[0], row[1])

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        with self._translated():
            rows = self._db.execute(
                "SELECT key FROM records WHERE tbl = ? ORDER BY key", (table.value,)
            )
            return [key for (key,) in rows]

    def apply(self, transaction: Transaction) -> None:
        """Apply all writes and the sequence number in one SQLite transaction."""
        with self._atomic():
            for write in transaction.writes:
                if isinstance(write, Put):
                    value = write.value
                    self._db.execute(_PUT, (write.table.value, write.key, value, crc32(value)))
                else:
                    self._db.execute(_DELETE, (write.table.value, write.key))
            self._put_seq(transaction.seq)

    def _put_seq(self, seq: int) -> None:
        value = str(seq).encode()
        self._db.execute(_PUT, (Table.META.value, SEQ, value, crc32(value)))

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        with self._translated():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except sqlite3.Error:
                # A full disk may have rolled back already; then there is nothing to roll back.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def dump(self) -> Dump:
        """Everything."""
        contents = {table: self._rows(table) for table in Table}
        return Dump(int(contents[Table.META].get(SEQ, b"0")), contents)

    def restore(self, dump: Dump) -> None:
        """Replace everything in one SQLite transaction."""
        with self._atomic():
            self._db.execute("DELETE FROM records")
            for table, rows in dump.contents.items():
                self._db.executemany(
                    _PUT, ((table.value, key, value, crc32(value)) for key, value in rows.items())
                )
            self._put_seq(dump.seq)

    def close(self) -> None:
        """Close the file; what was applied is durable already."""
        self._db.close()
