"""A full disk refuses the batch, in one line, and leaves the store usable."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.model.errors import ConfigurationError, StoreCorrupt
from pyganeti.store.interface import Table
from pyganeti.store.sqlite import SqliteBackend
from tests.contract.store.harness import SqliteStorage, batch, committing, job
from tests.needs import skip_unless_root

LARGE = 300_000


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    storage = SqliteStorage(str(tmp_path))
    async with committing(storage) as store:
        await store.commit(batch(job("1"), base=0))
        with file_size_limit(LARGE // 3):
            with pytest.raises(ConfigurationError, match="refused") as refused:
                await store.commit(batch(job("2"), job("large", bytes(LARGE)), base=1))
            assert not isinstance(refused.value, StoreCorrupt)
            assert "\n" not in str(refused.value)
        assert storage.after_crash().load()[Table.JOB] == {"1": b"{}"}
        await store.commit(batch(job("3"), base=1))
        assert sorted(storage.after_crash().load()[Table.JOB]) == ["1", "3"]
    storage.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    skip_unless_root("mounts file systems")
    where = tmp_path / "small"
    where.mkdir()
    try:
        run_blocking(Command(("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(where))))
    except ProcessError as err:
        pytest.skip(f"no file system can be mounted here: {err}")
    try:
        yield where
    finally:
        run_blocking(Command(("umount", str(where))))


async def test_a_full_disk(small_disk: Path) -> None:
    storage = SqliteStorage(str(small_disk))
    ballast = small_disk / "ballast"
    async with committing(storage) as store:
        await store.commit(batch(job("0"), base=0))
        ballast.write_bytes(bytes(500_000))
        done = 1

        async def fill() -> None:
            nonlocal done
            while True:
                await store.commit(batch(job(str(done), bytes(20_000)), base=done))
                done += 1

        with pytest.raises(ConfigurationError, match="full") as refused:
            await fill()
        assert not isinstance(refused.value, StoreCorrupt)
        assert done > 1
        # Reading goes on, and nothing of the refused one is seen.
        assert await store.keys(Table.JOB) == sorted(str(number) for number in range(done))
        ballast.unlink()
        await store.commit(batch(job("after"), base=done))
    storage.close()
    again = SqliteBackend(storage.path)
    assert len(again.keys(Table.JOB)) == done + 1
    again.close()


def test_no_room_to_begin_with(small_disk: Path) -> None:
    with pytest.raises(OSError, match="space"):
        (small_disk / "ballast").write_bytes(bytes(2_000_000))
    with pytest.raises(ConfigurationError) as refused:
        SqliteBackend(str(small_disk / "state.db"))
    assert not isinstance(refused.value, StoreCorrupt)
    (small_disk / "ballast").unlink()
    SqliteBackend(str(small_disk / "state.db")).close()
