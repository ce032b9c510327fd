"""Whose a process and its files are: system users by name, and root's rights given up.

Standard library only. Used by the layout of a node, by daemons at their start, and where a file is
for a group to read.
"""

import ctypes
import grp
import os
import pwd
import stat
import struct
from typing import Final

from pyganeti.kit.paths import Paths

# Linux: prctl(2), capset(2), capabilities(7).
_PR_SET_KEEPCAPS: Final = 8
_CAPABILITY_VERSION: Final = 0x20080522
_CAP_NET_BIND_SERVICE: Final = 10


def user_id(name: str) -> int:
    """Number of the user ``name``, or -1, which leaves an owner as it is."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def group_id(name: str) -> int:
    """Number of the group ``name``, or -1, which leaves a group as it is."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def group_to_give(paths: Paths, name: str) -> int:
    """Number of a group that this process may give its files to, or -1.

    Files of a virtual node belong to whoever runs it.
    """
    if paths.is_virtual:
        return -1
    gid = group_id(name)
    may = os.geteuid() == 0 or gid in (os.getegid(), *os.getgroups())
    return gid if may else -1


def give_like_directory(path: str) -> None:
    """Give a file that root made to the owner of its directory; anybody else's is theirs."""
    if os.geteuid() == 0:
        place = os.stat(os.path.dirname(os.path.abspath(path)))
        os.chown(path, place.st_uid, place.st_gid, follow_symlinks=False)


def give(path: str, *, mode: int, uid: int, gid: int) -> None:
    """Set mode and owner of a file or directory; what is missing or a link is left alone.

    Its directory may belong to somebody else, who could have put a link there to get at a file of
    root's. So a file with more than one name is left alone too.

    Args:
        path: of a regular file or a directory.
        mode: permission bits.
        uid: owner, or -1 to leave it.
        gid: group, or -1 to leave it.

    Raises:
        OSError: they cannot be set.
    """
    try:
        before = os.lstat(path)
        if not _is_safe(before):
            return
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        status = os.fstat(handle)
        if not _is_safe(status):
            return
        if uid not in (-1, status.st_uid) or gid not in (-1, status.st_gid):
            os.fchown(handle, uid, gid)
        if stat.S_IMODE(status.st_mode) != mode:
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _is_safe(status: os.stat_result) -> bool:
    mode = status.st_mode
    return stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and status.st_nlink == 1)


def become(user: str, *, low_ports: bool = False) -> None:
    """Give up root's rights for good: become ``user`` with all groups of theirs.

    Args:
        user: its name.
        low_ports: keep the right to listen on ports below 1024, and no other; programs that are
            started do not have it.

    Raises:
        KeyError: there is no such user.
        OSError: we are not root.
    """
    entry = pwd.getpwnam(user)
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    libc = ctypes.CDLL(None, use_errno=True)
    if low_ports:
        _check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    if low_ports:
        _keep_only(libc, 1 << _CAP_NET_BIND_SERVICE)


def _keep_only(libc: ctypes.CDLL, rights: int) -> None:
    """Let this process have ``rights`` (bits below 32), and those that it starts none."""
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    # Effective, permitted and inheritable, of the lower and the upper half.
    _check(libc.capset(header, struct.pack("6I", rights, rights, 0, 0, 0, 0)))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
