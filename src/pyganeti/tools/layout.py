"""Directories of a node: what must be there, with which mode and owner.

Used by daemon-util (before it starts something), vcluster-setup and node-daemon-setup; masterd asks
whose its sockets are. Owners are set only by root, on a real node, and only where the users exist.

Source: Ganeti's on-disk layout.
"""

import os
import sys
from typing import Final, NamedTuple

from pyganeti.kit.paths import Paths

# Roles and the system users and groups that play them.
USERS: Final = {"masterd": "gnt-masterd", "noded": "root", "rapi": "gnt-rapi"}
GROUPS: Final = {
    "daemons": "gnt-daemons",
    "masterd": "gnt-masterd",
    "noded": "root",
}


class Directory(NamedTuple):
    """A directory: path without the root of a virtual node, mode, and roles of its owners."""

    path: str
    mode: int
    user: str
    group: str


_LIB: Final = "/var/lib/ganeti"
_RUN: Final = "/var/run/ganeti"
_LOG: Final = "/var/log/ganeti"

# Parents stand before what is in them.
DIRECTORIES: Final = (
    Directory(_LIB, 0o755, "masterd", "masterd"),
    Directory(f"{_LIB}/export", 0o755, "noded", "noded"),
    Directory(f"{_LIB}/queue", 0o750, "masterd", "daemons"),
    Directory(f"{_LIB}/queue/archive", 0o750, "masterd", "daemons"),
    Directory(f"{_LIB}/rapi", 0o750, "rapi", "masterd"),
    Directory(_LOG, 0o770, "masterd", "daemons"),
    Directory(f"{_LOG}/cleaner", 0o750, "noded", "noded"),
    Directory(f"{_LOG}/kvm", 0o750, "noded", "daemons"),
    Directory(f"{_LOG}/master-cleaner", 0o750, "masterd", "masterd"),
    Directory(f"{_LOG}/os", 0o750, "noded", "daemons"),
    Directory(f"{_LOG}/xen", 0o750, "noded", "daemons"),
    Directory(_RUN, 0o775, "masterd", "daemons"),
    Directory(f"{_RUN}/bdev-cache", 0o755, "noded", "masterd"),
    Directory(f"{_RUN}/crypto", 0o700, "noded", "masterd"),
    Directory(f"{_RUN}/import-export", 0o755, "noded", "masterd"),
    Directory(f"{_RUN}/instance-disks", 0o755, "noded", "masterd"),
    Directory(f"{_RUN}/instance-reason", 0o755, "noded", "noded"),
    Directory(f"{_RUN}/livelocks", 0o750, "masterd", "daemons"),
    Directory(f"{_RUN}/luxidmessages", 0o750, "masterd", "daemons"),
    Directory(f"{_RUN}/socket", 0o770, "masterd", "daemons"),
    Directory(f"{_RUN}/uid-pool", 0o750, "noded", "masterd"),
    Directory("/etc/ganeti", 0o755, "noded", "noded"),
    Directory("/etc/ganeti/hooks", 0o755, "noded", "noded"),
    Directory("/var/lock", 0o755, "noded", "noded"),
)


def ensure_directories(paths: Paths) -> None:
    """Make what is missing and set modes and owners of all.

    Raises:
        OSError: a directory cannot be made; those before it stay.
    """
    owned = not paths.is_virtual and os.geteuid() == 0
    for entry in DIRECTORIES:
        if entry.path == "/var/lock" and not paths.is_virtual:
            # The system's own, with a mode of its own.
            continue
        path = paths.rootdir + entry.path
        os.makedirs(path, mode=0o755, exist_ok=True)
        os.chmod(path, entry.mode)
        if owned:
            os.chown(path, user_id(USERS[entry.user]), group_id(GROUPS[entry.group]))


def socket_owner(paths: Paths) -> tuple[int, int]:
    """User and group of the LUXI sockets; -1 where they stay as they are."""
    if paths.is_virtual or os.geteuid() != 0:
        return -1, -1
    return user_id(USERS["masterd"]), group_id(GROUPS["daemons"])


def user_id(name: str) -> int:
    """Number of the user ``name``, or -1, which leaves an owner as it is."""
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def group_id(name: str) -> int:
    """Number of the group ``name``, or -1, which leaves a group as it is."""
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def main() -> int:
    """Entry point of ``ensure-dirs``: ``python -m pyganeti.tools.layout``."""
    try:
        ensure_directories(Paths.from_env())
    except OSError as err:
        print(f"ensure-dirs: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
