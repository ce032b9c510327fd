"""Damage to the database's files: found and refused, or without effect; never wrong contents."""

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pyganeti.model.errors import ConfigurationError, StoreCorrupt
from pyganeti.store.interface import Delete, Dump, Put, Table, Transaction
from pyganeti.store.sqlite import SqliteBackend
from tests.contract.store.harness import DATABASE_FILES, copy_database, job

FLIPS = 100
SOAK_FLIPS = 2_000
Files = dict[str, bytes]


def fill(path: str, checkpoint: int = 0) -> SqliteBackend:
    """A database with several levels, long values, free pages and an archive."""
    backend = SqliteBackend(path)
    chance = random.Random(1)
    for seq in range(1, 61):
        key = f"instance/{chance.getrandbits(128):032x}"
        backend.apply(
            Transaction(
                seq,
                (
                    Put(Table.CONFIG, key, chance.randbytes(chance.choice((40, 400, 6000)))),
                    job(str(seq), b'{"id": %d}' % seq),
                    Put(Table.ARCHIVE, str(seq), chance.randbytes(300)),
                    Put(Table.META, "config_serial", str(seq).encode()),
                    Delete(Table.JOB, str(seq - 7)),
                ),
            )
        )
        if seq == checkpoint:
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA wal_checkpoint")
    return backend


def read_files(path: str) -> Files:
    return {
        suffix: Path(path + suffix).read_bytes()
        for suffix in DATABASE_FILES
        if os.path.exists(path + suffix)
    }


def write_files(path: str, files: Files) -> None:
    for suffix in (*DATABASE_FILES, "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
        if suffix in files:
            Path(path + suffix).write_bytes(files[suffix])


@pytest.fixture(params=["stopped", "crashed", "crashed later"])
def sound(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Files, Dump]:
    """A path to use, a sound database's files and contents.

    Stopped, all is in the database; crashed, all in the log; crashed later, some in each.
    """
    backend = fill(str(tmp_path / "state.db"), 40 if request.param == "crashed later" else 0)
    dump = backend.dump()
    path = str(tmp_path / "damaged.db")
    if request.param == "stopped":
        backend.close()
        copy_database(backend.path, path)
    else:
        copy_database(backend.path, path)
        backend.close()
    return path, read_files(path), dump


def is_served(path: str, files: Files, dump: Dump) -> bool:
    """Whether ``files`` are accepted; they must have the right contents then, or be untouched."""
    write_files(path, files)
    try:
        backend = SqliteBackend(path)
    except StoreCorrupt:
        left = read_files(path)
        assert {suffix: data for suffix, data in left.items() if suffix in files} == files
        assert not left.get("-wal", b"") or "-wal" in files
        return False
    try:
        assert backend.dump() == dump
        backend.apply(Transaction(dump.seq + 1, (job("next"),)))
        assert backend.read(Table.JOB, "next") == b"{}"
    finally:
        backend.close()
    return True


def flipped(files: Files, suffix: str, position: int, mask: int) -> Files:
    data = bytearray(files[suffix])
    data[position] ^= mask
    return {**files, suffix: bytes(data)}


def served_after_flips(sound: tuple[str, Files, Dump], seed: int, flips: int) -> int:
    """Flip one byte of each file, ``2 * flips`` times; how often it was harmless."""
    path, files, dump = sound
    chance, served = random.Random(seed), 0
    for suffix, data in files.items():
        # Every other one in the first bytes, which say how to read the rest.
        for limit in (120, len(data)) * flips:
            position, mask = chance.randrange(min(limit, len(data))), chance.randrange(1, 256)
            try:
                served += is_served(path, flipped(files, suffix, position, mask), dump)
            except (AssertionError, ConfigurationError) as err:
                err.add_note(f"{suffix or 'database'}: byte {position} ^ {mask:#x}")
                raise
    return served


def test_a_flipped_byte_is_found_or_harmless(sound: tuple[str, Files, Dump]) -> None:
    served = served_after_flips(sound, 2, FLIPS)
    assert 0 < served < 2 * FLIPS * len(sound[1])


@pytest.mark.soak
def test_many_flipped_bytes_are_found_or_harmless(sound: tuple[str, Files, Dump]) -> None:
    served_after_flips(sound, 3, SOAK_FLIPS)


def test_a_shortened_or_missing_file_is_found(sound: tuple[str, Files, Dump]) -> None:
    path, files, dump = sound
    chance = random.Random(4)
    for suffix in set(files) - {"-mark"}:
        data = files[suffix]
        for length in (0, 1, 100, 4096, *(chance.randrange(len(data)) for _ in range(20))):
            # Harmless only where all that was cut off stands in the other file, too.
            if is_served(path, {**files, suffix: data[:length]}, dump):
                assert len(files) == len(DATABASE_FILES)
    if "-wal" in files:
        assert not is_served(path, {s: files[s] for s in files if s != "-wal"}, dump)


def test_an_older_copy_is_found(sound: tuple[str, Files, Dump], tmp_path: Path) -> None:
    path, files, dump = sound
    older = SqliteBackend(str(tmp_path / "older.db"))
    older.apply(Transaction(1, (job("1"),)))
    older.close()
    data = Path(older.path).read_bytes()
    assert not is_served(path, {"": data, "-mark": files["-mark"]}, dump)


def test_the_torn_end_of_an_unacknowledged_write_is_dropped(
    sound: tuple[str, Files, Dump],
) -> None:
    path, files, dump = sound
    if "-wal" not in files:
        pytest.skip("stopped cleanly: there is no log")
    chance = random.Random(5)
    log = files["-wal"]
    for length in (1, 23, 24, 4000, 4120, 9000):
        assert is_served(path, {**files, "-wal": log + chance.randbytes(length)}, dump)
        assert is_served(path, {**files, "-wal": log + log[32 : 32 + length]}, dump)


@pytest.mark.parametrize("mark", [b"", bytes(30), b"nonsense", None])
def test_a_mark_that_says_nothing_proves_nothing(
    sound: tuple[str, Files, Dump], mark: bytes | None
) -> None:
    path, files, dump = sound
    rest = {suffix: data for suffix, data in files.items() if suffix != "-mark"}
    assert is_served(path, rest if mark is None else {**rest, "-mark": mark}, dump)


def test_a_database_moved_away_may_be_begun_anew(sound: tuple[str, Files, Dump]) -> None:
    path, files, _ = sound
    write_files(path, {"-mark": files["-mark"]})
    for expected in ([], ["1"]):
        backend = SqliteBackend(path)
        assert backend.keys(Table.JOB) == expected
        if not expected:
            backend.apply(Transaction(1, (job("1"),)))
        backend.close()


def test_a_log_without_its_database_is_not_replayed_into_a_new_one(tmp_path: Path) -> None:
    backend = fill(str(tmp_path / "state.db"))
    path = str(tmp_path / "other.db")
    Path(path + "-wal").write_bytes(Path(backend.path + "-wal").read_bytes())
    backend.close()
    with pytest.raises(StoreCorrupt, match="missing, and its log is not"):
        SqliteBackend(path)
    assert not os.path.exists(path)
    Path(path + "-wal").unlink()
    SqliteBackend(path).close()


def test_damage_that_comes_later_is_found_when_it_is_read(tmp_path: Path) -> None:
    backend = SqliteBackend(str(tmp_path / "state.db"))
    backend.apply(Transaction(1, (job("1", b"right"), job("2"))))
    with sqlite3.connect(backend.path) as other:
        other.execute("UPDATE records SET value = ? WHERE key = '1'", (b"wrong",))
    other.close()
    with pytest.raises(StoreCorrupt, match="checksum"):
        backend.read(Table.JOB, "1")
    with pytest.raises(StoreCorrupt, match="checksum"):
        backend.read_many(Table.JOB, ["2", "1"])
    with pytest.raises(StoreCorrupt, match="checksum"):
        backend.load()
    assert backend.read(Table.JOB, "2") == b"{}"
    backend.close()


def _edited(path: str, *statements: str) -> None:
    SqliteBackend(path).close()
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    _edited(path, "PRAGMA user_version=2", f"PRAGMA application_id={0x70676E00 + 2}")
    before = read_files(path)
    with pytest.raises(ConfigurationError, match="has format 2, this program reads format 1"):
        SqliteBackend(path)
    assert read_files(path)[""] == before[""]


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE records (a)")
    db.close()
    before = Path(path).read_bytes()
    with pytest.raises(StoreCorrupt, match="not one of ours"):
        SqliteBackend(path)
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("text", [b"", b"{}", b"SQLite format 3\0" + bytes(4080), bytes(8192)])
def test_what_is_no_database_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(text)
    with pytest.raises(StoreCorrupt):
        SqliteBackend(str(path))
    assert path.read_bytes() == text


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


# Where SQLite's header says what it may do with the file, and more than any version may.
@pytest.mark.parametrize("position", [0, 18], ids=["not read", "not written"])
def test_what_is_refused_is_let_go_of(tmp_path: Path, position: int) -> None:
    path = str(tmp_path / "state.db")
    SqliteBackend(path).close()
    with open(path, "r+b") as file:
        file.seek(position)
        file.write(b"\x63")
    before = open_files()
    with pytest.raises(StoreCorrupt):
        SqliteBackend(path)
    assert open_files() == before


def test_what_a_crash_left_half_made_is_made_anew(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    for suffix in ("", "-journal", "-wal"):
        Path(path + "-new" + suffix).write_bytes(b"half a database")
    backend = SqliteBackend(path)
    backend.apply(Transaction(1, (job("1"),)))
    backend.close()
    assert sorted(os.listdir(tmp_path)) == ["state.db", "state.db-mark"]


def test_a_place_that_cannot_be_written_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot use the database") as refused:
        SqliteBackend(str(tmp_path / "missing" / "state.db"))
    assert not isinstance(refused.value, StoreCorrupt)


def test_a_closed_database_refuses_without_crying_damage(tmp_path: Path) -> None:
    backend = SqliteBackend(str(tmp_path / "state.db"))
    backend.close()
    backend.close()
    with pytest.raises(ConfigurationError, match="closed") as refused:
        backend.apply(Transaction(1, (job("1"),)))
    assert not isinstance(refused.value, StoreCorrupt)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    backend = SqliteBackend(str(tmp_path / "state.db"))
    backend.apply(Transaction(1, (job("1"),)))
    modes = {name: os.stat(tmp_path / name).st_mode & 0o777 for name in os.listdir(tmp_path)}
    backend.close()
    assert set(modes.values()) == {0o600}
    assert set(modes) == {"state.db", "state.db-mark", "state.db-shm", "state.db-wal"}
