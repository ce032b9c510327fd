"""Who holds a daemon's pid file, and for how long it is waited for."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyganeti.daemons.pidfile import PidFile
from pyganeti.kit.process import is_at_work
from pyganeti.model.errors import GenericError
from pyganeti.tools.pidfile import running_pid


@contextmanager
def ended() -> Iterator[int]:
    """A process that has ended, and whose parent has not looked yet."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        yield pid
    finally:
        os.waitpid(pid, 0)


def held_by(path: Path, pid: int) -> PidFile:
    """The file, held, with that process in it."""
    held = PidFile(str(path))
    path.write_text(f"{pid}\n")
    return held


def test_what_is_left_of_a_killed_daemon_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with ended() as pid:
        held = held_by(path, pid)
        timer = threading.Timer(0.2, held.close)
        timer.start()
        mine = PidFile(str(path), 60.0)
        timer.join()
    mine.announce()
    assert running_pid(str(path)) == os.getpid()
    mine.close()


def test_but_not_for_ever(tmp_path: Path) -> None:
    with ended() as pid:
        held = held_by(tmp_path / "pid", pid)
        with pytest.raises(GenericError, match="already running"):
            PidFile(str(tmp_path / "pid"), 0.1)
        held.close()


def test_one_that_works_is_not_waited_for(tmp_path: Path) -> None:
    held = held_by(tmp_path / "pid", os.getpid())
    done = threading.Event()

    def refused() -> None:
        with pytest.raises(GenericError, match="already running"):
            PidFile(str(tmp_path / "pid"), 3600.0)
        done.set()

    threading.Thread(target=refused, daemon=True).start()
    assert done.wait(60.0)
    held.close()


def test_a_process_that_has_ended_is_not_at_work() -> None:
    assert is_at_work(os.getpid())
    assert not is_at_work(2**22 + 1)
    with ended() as pid:
        assert not is_at_work(pid)
