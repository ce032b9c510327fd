"""Pid files: a running daemon holds a lock on its own, so a stale one means nothing.

A daemon writes its pid file once it is ready and keeps it locked (``flock``) until it ends.
"""

import fcntl
import os
from collections.abc import Callable

from pyganeti.kit.process import is_at_work


def read_pid(path: str) -> int | None:
    """The pid in the file, or ``None`` where there is none."""
    try:
        with open(path, encoding="ascii") as handle:
            text = handle.read().strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def running_pid(path: str) -> int | None:
    """The pid of the daemon that holds ``path``, or ``None`` when it does not run."""
    pid = read_pid(path)
    # The process is looked at first: to try the lock for a moment could disturb one that starts.
    if pid is None or not is_at_work(pid) or not is_held(path):
        return None
    return pid


def status_path(path: str) -> str:
    """Where the process of the pid file ``path`` says what keeps it from ending."""
    return f"{path}.status"


def read_status(path: str) -> tuple[float, str] | None:
    """How long the process of ``path`` may still take to end, in seconds, and what it says."""
    try:
        with open(status_path(path), encoding="utf-8") as handle:
            seconds, _, text = handle.read().strip().partition(" ")
        return float(seconds), text
    except (OSError, ValueError):
        return None


def is_held(path: str) -> bool:
    """Whether a process holds the file, ready or not."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Look every 20 ms whether ``condition`` holds; whether it did in time."""
    from pyganeti.kit.clock import monotonic, sleep_blocking

    end = monotonic() + timeout_s
    while not condition():
        if monotonic() >= end:
            return False
        sleep_blocking(0.02)
    return True
