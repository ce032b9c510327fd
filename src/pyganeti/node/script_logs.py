"""Logs of scripts, one a run, and what an error shows of them: nothing that drives a terminal.

Blocking, apart from what is pure; called in a worker thread.
"""

import os
from datetime import UTC, datetime
from typing import Final

from pyganeti.kit.process import ProcessError
from pyganeti.model.errors import OpExecError

# How much of a log's end an error shows.
_EXCERPT_LINES: Final = 20
_EXCERPT_BYTES: Final = 4000

# What leaves room for the time and a number in a file's name.
_LABEL: Final = 220


def make_log(directory: str, label: str, now_s: float) -> str:
    """An empty log file of its own for a run, by the node's local time.

    Raises:
        OpExecError: there are too many of this run already.
        OSError: it cannot be made.
    """
    os.makedirs(directory, 0o750, exist_ok=True)
    now = datetime.fromtimestamp(now_s, UTC).astimezone()
    # A rename has two names of instances in its label.
    stem = f"{directory}/{label[:_LABEL]}-{now:%Y-%m-%d_%H_%M_%S}"
    for number in range(1000):
        path = f"{stem}.log" if number == 0 else f"{stem}-{number}.log"
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return path
    raise OpExecError(f"no free name for a log file like {stem}.log")


def excerpt(log: str) -> str:
    """The last lines of a log."""
    text = printable(tail(log, _EXCERPT_BYTES))[-_EXCERPT_BYTES:]
    return "\n".join(text.rstrip("\n").split("\n")[-_EXCERPT_LINES:])


def reason(err: ProcessError) -> str:
    """How a script ended, without its path, which the message has."""
    return str(err).partition(": ")[2]


def tail(path: str, size: int) -> bytes:
    """The last ``size`` bytes of a file, however long it is; none of one that was removed."""
    try:
        with open(path, "rb") as handle:
            end = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, end - size))
            return handle.read(size)
    except FileNotFoundError:
        return b""


def printable(data: bytes) -> str:
    """Text that shows control characters (``\\x1b``) instead of obeying them; lines stay."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(one if one in "\n\t" or one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
