"""The file of the SQLite database: made, examined and opened.

The whole file is checked, read-only, before it is opened for writing, so that damage is found
before anything is served or changed. Beside it lies the :mod:`high-water mark
<pyganeti.store.mark>`. Source: sqlite.org, "Database File Format", "How To Corrupt".
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final
from urllib.parse import quote

from pyganeti.kit.files import sync_directory
from pyganeti.kit.identity import give_like_directory
from pyganeti.model.errors import ConfigurationError, StoreCorrupt, StoreUnwritable
from pyganeti.store.backend import row_crc
from pyganeti.store.interface import SEQ
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


class DatabaseFile:
    """The file and what lies beside it.

    Args:
        path: made with mode 0600 when it is missing.

    Raises:
        StoreCorrupt: the file is damaged, or not one of ours. It is left as it is.
        ConfigurationError: it cannot be opened or written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with self.translated():
            self.mark = HighWaterMark(path + "-mark")
            try:
                self._make()
                self._inspect()
            except BaseException:
                self.mark.close()
                raise

    def _make(self) -> None:
        """Make a database with mode 0600 and no records, durably, unless there is one."""
        if not os.path.lexists(self.path):
            if _size(self.path + "-wal") > 0:
                # SQLite would replay it into the new one.
                raise self._corrupt("it is missing, and its log is not")
            # Before the file: a crash in between must not leave an empty one with a high mark.
            self.mark.reset()
            self._make_elsewhere(self.path + "-new")
            os.rename(self.path + "-new", self.path)
            # The node daemon keeps a candidate's copy, and the master's is to go on with it.
            for path in (self.path, self.mark.path):
                give_like_directory(path)
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
        with closing(_connect(path, "rw")) as db:
            for statement in _CREATE:
                db.execute(statement)

    def _inspect(self) -> None:
        """Read all of the file and change nothing: closing a writer would fold the log into it."""
        if _size(self.path) < _SMALLEST_PAGE and _size(self.path + "-wal") > 0:
            # SQLite would remove the log, also when it only reads.
            raise self._corrupt("it is empty, and its log is not")
        wanted = self.mark.read()  # first, for another process may go on writing
        with closing(self.connect("ro")) as db:
            self._check_format(db)
            found = self._check_rows(db)
        if found < wanted:
            raise self._corrupt(
                f"it ends with change {found}, but {wanted} is acknowledged in {self.mark.path}"
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
            self.check_row(tbl, key, value, crc)
            if (tbl, key) == (b"meta", SEQ.encode()):
                seq = int(value)
        return seq

    def check_row(self, tbl: bytes, key: bytes, value: object, crc: object) -> bytes:
        """The value of a row whose checksum is right.

        Raises:
            StoreCorrupt: it is not.
        """
        if not isinstance(value, bytes) or row_crc(tbl, key, value) != crc:
            raise self._corrupt(f"checksum of {tbl!r} {key!r}")
        return value

    def connect(self, mode: str) -> sqlite3.Connection:
        """A connection: ``ro``, or ``rw``."""
        return _connect(self.path, mode)

    def open(self, synchronous: str) -> sqlite3.Connection:
        """The connection that writes.

        Raises: as for the file.
        """
        with self.translated():
            db = self.connect("rw")
            try:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute(f"PRAGMA synchronous={synchronous}")
                self._probe(db)
            except BaseException:
                db.close()
                self.mark.close()
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
    def translated(self) -> Iterator[None]:
        """Give errors of SQLite and of the system their meaning."""
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


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _connect(path: str, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.path.abspath(path))}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    # Damage may have made a text undecodable; the checksum shall say so.
    db.text_factory = bytes
    return db
