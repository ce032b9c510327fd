"""Records in one SQLite database.

WAL and ``synchronous=FULL``: a transaction is one append and one sync, whatever the size of the
cluster. Each row carries a CRC-32 and the whole file is checked, read-only, before it is opened for
writing, so that damage is found before anything is served or changed. Beside the database lies
the :mod:`high-water mark <pyganeti.store.mark>`. Source: sqlite.org, "Write-Ahead Logging",
"Database File Format", "How To Corrupt".
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Final
from urllib.parse import quote

from pyganeti.kit.files import sync_directory
from pyganeti.model.errors import ConfigurationError, StoreCorrupt, StoreUnwritable
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
from pyganeti.store.mark import HighWaterMark

_SCHEMA_VERSION: Final = 1
# "pgn" and a byte that repeats the version: damage in one of them is no other version.
_APPLICATION: Final = 0x70676E00
_SMALLEST_PAGE: Final = 512
_CREATE: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "BEGIN IMMEDIATE",
    """
    CREATE TABLE records (
        tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL,
        PRIMARY KEY (tbl, key)
    ) WITHOUT ROWID
    """,
    f"PRAGMA user_version={_SCHEMA_VERSION}",
    f"PRAGMA application_id={_APPLICATION + _SCHEMA_VERSION}",
    "COMMIT",
)
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
# What the machine refused; everything else that SQLite says of our own statements is damage.
_ENVIRONMENT: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_MISUSE,
    }
)


# Raises when a row's checksum, the last argument, is not that of the others; its value.
CheckRow = Callable[[bytes, bytes, object, object], bytes]


class SqliteSnapshot:
    """See :class:`pyganeti.store.backend.Snapshot`: a transaction that only reads.

    Args:
        db: its own connection, which it closes.
        check_row: makes sure of a row's checksum.
        translated: gives errors of SQLite their meaning.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        check_row: CheckRow,
        translated: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db = db
        self._check_row = check_row
        self._translated = translated
        db.execute("BEGIN")
        # The first read fixes what is seen.
        self.seq = {key: int(value) for key, value in db.execute(_STATE)}.get(SEQ.encode(), 0)

    def writes(self, archived: Mapping[str, int]) -> Iterator[Put | Delete]:
        """See :class:`pyganeti.store.backend.Snapshot`."""
        missing = dict(archived)
        with self._translated():
            for row in self._db.execute("SELECT tbl, key, value, crc FROM records"):
                table, key = Table(row[0].decode()), row[1].decode()
                value = self._check_row(*row)
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
        with self._translated():
            self._mark = HighWaterMark(path + "-mark")
            try:
                self._make()
                self._inspect()
                self._db = self._open(synchronous)
            except BaseException:
                self._mark.close()
                raise

    def _make(self) -> None:
        """Make a database with mode 0600 and no records, durably, unless there is one."""
        if not os.path.lexists(self.path):
            if _size(self.path + "-wal") > 0:
                # SQLite would replay it into the new one.
                raise self._corrupt("it is missing, and its log is not")
            # Before the file: a crash in between must not leave an empty one with a high mark.
            self._mark.reset()
            self._make_elsewhere(self.path + "-new")
            os.rename(self.path + "-new", self.path)
            sync_directory(os.path.dirname(os.path.abspath(self.path)))
        # Not by opening it: closing it again would drop the locks of another handle of ours.
        if not os.access(self.path, os.R_OK | os.W_OK):
            raise ConfigurationError(f"cannot use the database {self.path}: it is not writable")

    def _make_elsewhere(self, path: str) -> None:
        """Under another name, so that what a crash leaves half-made is never taken for damage."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(path + suffix)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(self._connect(path, "rw")) as db:
            for statement in _CREATE:
                db.execute(statement)

    def _inspect(self) -> None:
        """Read all of the file and change nothing: closing a writer would fold the log into it."""
        if _size(self.path) < _SMALLEST_PAGE and _size(self.path + "-wal") > 0:
            # SQLite would remove the log, also when it only reads.
            raise self._corrupt("it is empty, and its log is not")
        wanted = self._mark.read()  # first, for another process may go on writing
        with closing(self._connect(self.path, "ro")) as db:
            self._check_format(db)
            found = self._check_rows(db)
        if found < wanted:
            raise self._corrupt(
                f"it ends with change {found}, but {wanted} is acknowledged in {self._mark.path}"
            )

    def _check_format(self, db: sqlite3.Connection) -> None:
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != b"ok":
            raise self._corrupt(verdict)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        if application != _APPLICATION + version:
            raise self._corrupt("it is not one of ours")
        if version != _SCHEMA_VERSION:
            raise ConfigurationError(
                f"the database {self.path} has format {version}, this program reads format"
                f" {_SCHEMA_VERSION}; use the version of the program that wrote it"
            )

    def _check_rows(self, db: sqlite3.Connection) -> int:
        """Check the archive too: a row whose key is damaged is missed by nobody later."""
        seq = 0
        for tbl, key, value, crc in db.execute("SELECT tbl, key, value, crc FROM records"):
            self._check_row(tbl, key, value, crc)
            if (tbl, key) == (b"meta", SEQ.encode()):
                seq = int(value)
        return seq

    def _check_row(self, tbl: bytes, key: bytes, value: object, crc: object) -> bytes:
        if not isinstance(value, bytes) or row_crc(tbl, key, value) != crc:
            raise self._corrupt(f"checksum of {tbl!r} {key!r}")
        return value

    @staticmethod
    def _connect(path: str, mode: str) -> sqlite3.Connection:
        uri = f"file:{quote(os.path.abspath(path))}?mode={mode}"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        # Damage may have made a text undecodable; the checksum shall say so.
        db.text_factory = bytes
        return db

    def _open(self, synchronous: str) -> sqlite3.Connection:
        db = self._connect(self.path, "rw")
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA synchronous={synchronous}")
            self._probe(db)
        except BaseException:
            db.close()
            raise
        return db

    def _probe(self, db: sqlite3.Connection) -> None:
        """Whether SQLite would write: one byte of the header may tell it not to."""
        try:
            db.execute("DELETE FROM records WHERE 0")
        except sqlite3.OperationalError as err:
            if err.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
                raise self._corrupt(err) from err
            raise

    def _corrupt(self, what: object) -> StoreCorrupt:
        text = what.decode(errors="replace") if isinstance(what, bytes) else str(what)
        return StoreCorrupt(
            f"the database {self.path} is damaged ({' '.join(text.split())}) and was left as it"
            f" is; restore it from a master candidate, or move {self.path}* away to start from"
            " config.data"
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError) as err:
            raise ConfigurationError(f"the database {self.path} refused: {err}") from err
        except sqlite3.Error as err:
            # The low byte is the primary code. Errors the module makes itself carry none.
            code = getattr(err, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in _ENVIRONMENT:
                raise StoreUnwritable(f"the database {self.path} refused: {err}") from err
            raise self._corrupt(err) from err
        except OSError as err:
            raise ConfigurationError(
                f"cannot use the database {self.path}: {err.strerror}"
            ) from err
        except UnicodeDecodeError as err:
            # The module could not even make its message of what it found.
            raise self._corrupt("its schema is unreadable") from err

    def load(self) -> Contents:
        """All records but the archive."""
        return self._rows(LOADED)

    def _rows(self, tables: tuple[Table, ...]) -> Contents:
        """One statement, so one snapshot, whoever else writes meanwhile."""
        contents: Contents = {table: {} for table in tables}
        by_name = {table.encode(): rows for table, rows in contents.items()}
        marks = ", ".join("?" * len(tables))
        with self._translated():
            for tbl, key, value, crc in self._db.execute(
                f"SELECT tbl, key, value, crc FROM records WHERE tbl IN ({marks})",  # noqa: S608
                [table.value for table in tables],
            ):
                by_name[tbl][key.decode()] = self._check_row(tbl, key, value, crc)
        return contents

    def read(self, table: Table, key: str) -> bytes | None:
        """One record."""
        with self._translated():
            row = self._db.execute(
                "SELECT value, crc FROM records WHERE tbl = ? AND key = ?", (table.value, key)
            ).fetchone()
        return None if row is None else self._check_row(table.encode(), key.encode(), *row)

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the records that exist."""
        places = ",".join("?" * len(keys))
        with self._translated():
            rows = self._db.execute(
                f"SELECT key, value, crc FROM records WHERE tbl = ? AND key IN ({places})",  # noqa: S608
                (table.value, *keys),
            ).fetchall()
        return {
            key.decode(): self._check_row(table.encode(), key, value, crc)
            for key, value, crc in rows
        }

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        with self._translated():
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
        self._mark.advance(transaction.seq)

    def _check_turn(self, seq: int, epoch: int | None) -> None:
        """Inside the transaction: another process may have written since our last one."""
        state = {key.decode(): int(value) for key, value in self._db.execute(_STATE)}
        check_turn(state.get(SEQ, 0), state.get(EPOCH, 0), seq, epoch)

    def _put(self, table: Table, key: str, value: bytes) -> None:
        crc = row_crc(table.encode(), key.encode(), value)
        self._db.execute(_PUT, (table.value, key, value, crc))

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        with self._translated():
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
        with self._translated():
            db = self._connect(self.path, "ro")
            return SqliteSnapshot(db, self._check_row, self._translated)

    def checksums(self, table: Table, after: str, limit: int) -> dict[str, int]:
        """CRC-32 of the first ``limit`` rows with keys above ``after``."""
        with self._translated():
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
        with self._translated():
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
        with self._translated():
            # First, since the new contents may have a lower number.
            self._mark.reset()
        with self._atomic():
            fill()
            self._put(Table.META, SEQ, str(seq).encode())
        self._mark.advance(seq)

    def close(self) -> None:
        """Close the file; what was applied is durable already."""
        self._db.close()
        self._mark.close()


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
