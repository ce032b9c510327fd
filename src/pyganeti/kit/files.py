"""Files written so that a crash or a power cut leaves the old content or the new, never a part.

Blocking; daemons call them through ``asyncio.to_thread`` where a disk may be slow.
"""

import fcntl
import itertools
import os
import re
from contextlib import suppress
from typing import Final

_TEMP_SUFFIX: Final = ".new"
_numbers: Final = itertools.count()
_UNFINISHED: Final = re.compile(r".+\.new\.[0-9.]+")


def sync_directory(path: str) -> None:
    """Make the directory's entries durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(
    path: str,
    data: bytes,
    *,
    mode: int = 0o600,
    uid: int = -1,
    gid: int = -1,
    durable: bool = True,
    name_later: bool = False,
) -> None:
    """Replace ``path`` by ``data`` in one step.

    Args:
        path: absolute path; its directory must exist. A symbolic link is replaced, not followed.
        data: the new content.
        mode: permission bits, set before the content is written.
        uid: owner, or -1 to leave it.
        gid: group, or -1 to leave it.
        durable: wait until content and name are on disk.
        name_later: the caller does that for the names of several, with :func:`sync_directory`.

    Raises:
        OSError: nothing was changed.
    """
    # Another name for each write: threads may be at the same file.
    temp = f"{path}{_TEMP_SUFFIX}.{os.getpid()}.{next(_numbers)}"
    try:
        handle = _open_new(temp)
        try:
            # Until the end, so that nobody takes it for what a killed process left.
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.fchmod(handle, mode)
            if uid != -1 or gid != -1:
                os.fchown(handle, uid, gid)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            if durable:
                os.fsync(handle)
            os.rename(temp, path)
        finally:
            os.close(handle)
    except OSError:
        with suppress(OSError):
            os.unlink(temp)
        raise
    if durable and not name_later:
        sync_directory(os.path.dirname(path))


def _open_new(path: str) -> int:
    """A file of our own at ``path``; whatever was put there before is not written to."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, 0o600)


def remove_unfinished(*directories: str) -> None:
    """Remove what :func:`write_atomic` left in ``directories`` when its process was killed.

    The lock says whether somebody is at it still. The process id in the name does not: one that was
    killed keeps it until its parent looks, and then it is given to another.
    """
    for directory in directories:
        with suppress(OSError):
            for name in filter(_UNFINISHED.fullmatch, os.listdir(directory)):
                _remove_unlocked(os.path.join(directory, name))


def _remove_unlocked(path: str) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        finally:
            os.close(handle)


def read_bytes(path: str) -> bytes | None:
    """Content of ``path``, or ``None`` when there is none."""
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def remove(path: str) -> bool:
    """Remove the file ``path``; whether there was one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
