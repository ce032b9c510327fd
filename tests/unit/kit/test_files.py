"""Files that are whole or not there, and what a killed writer leaves."""

import fcntl
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyganeti.kit import files
from pyganeti.kit.files import remove_unfinished, write_atomic
from tests.needs import needs_root


@contextmanager
def zombie() -> Iterator[int]:
    """A process that was killed and whose parent has not looked yet."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        yield pid
    finally:
        os.waitpid(pid, 0)


def half(directory: Path, pid: int) -> Path:
    """What is left of a write that was cut off."""
    path = directory / f"job-7.new.{pid}"
    path.write_text("half")
    return path


def test_what_a_killed_process_left_is_removed_though_its_parent_has_not_looked(
    tmp_path: Path,
) -> None:
    with zombie() as pid:
        path = half(tmp_path, pid)
        remove_unfinished(str(tmp_path))
        assert not path.exists()


def test_what_a_killed_process_left_is_removed_though_another_has_its_id_now(
    tmp_path: Path,
) -> None:
    path = half(tmp_path, os.getppid())
    remove_unfinished(str(tmp_path))
    assert not path.exists()


def test_a_file_that_cannot_be_looked_at_keeps_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.new.1").symlink_to("nowhere")
    path = half(tmp_path, 2)
    remove_unfinished(str(tmp_path / "missing"), str(tmp_path))
    assert not path.exists()


def test_what_is_being_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, seen = os.rename, []

    def look_first(source: str, target: str) -> None:
        remove_unfinished(str(tmp_path))
        seen.append(os.path.exists(source))
        rename(source, target)

    monkeypatch.setattr(os, "rename", look_first)
    write_atomic(str(tmp_path / "job-7"), b"whole")
    assert seen == [True]
    assert (tmp_path / "job-7").read_bytes() == b"whole"


def test_a_written_file_is_not_locked(tmp_path: Path) -> None:
    write_atomic(str(tmp_path / "job-7"), b"whole")
    with (tmp_path / "job-7").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_threads_may_write_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync = tmp_path / "job-7", os.fsync

    def write_meanwhile(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        write_atomic(str(path), b"of the other")
        sync(handle)

    monkeypatch.setattr(os, "fsync", write_meanwhile)
    write_atomic(str(path), b"whole")
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["job-7"]


def _link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def _name(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def _pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def _device(path: Path, victim: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # /dev/full


PLANTS = [_link, _name, _pipe, pytest.param(_device, marks=needs_root("makes devices"))]


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("at", ["file", "file.new.{pid}.{number}"])
def test_what_somebody_put_there_is_replaced_and_not_written_to(
    tmp_path: Path,
    at: str,
    plant: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "_numbers", itertools.count(7))
    victim, target = tmp_path / "victim", tmp_path / "file"
    victim.write_text("the victim's")
    plant(tmp_path / at.format(pid=os.getpid(), number=7), victim)
    write_atomic(str(target), b"new", mode=0o640)
    assert victim.read_text() == "the victim's"
    assert stat.S_IMODE(victim.stat().st_mode) != 0o640
    found = target.lstat()
    assert stat.S_ISREG(found.st_mode)
    assert (found.st_nlink, stat.S_IMODE(found.st_mode)) == (1, 0o640)
    assert target.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["file", "victim"]


def test_a_directory_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file" / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomic(str(tmp_path / "file"), b"new")
    assert os.listdir(tmp_path) == ["file"]
