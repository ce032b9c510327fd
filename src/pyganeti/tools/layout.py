"""Directories and files of a node: what must be there, with which mode and owner.

Used by daemon-util (before it starts something), vcluster-setup and node-daemon-setup; masterd asks
whose its sockets are. Owners are set only by root, on a real node, and only where the users exist.
``ensure-dirs`` does it by hand, with ``--full-run`` for the archive of jobs too.

Source: Ganeti's on-disk layout; ``docs/packaging.md`` on users.
"""

import argparse
import os
import sys
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from pyganeti.kit.identity import give, group_id, group_to_give, user_id
from pyganeti.kit.paths import Paths

# Roles and the system users and groups that play them.
USERS: Final = {
    "confd": "gnt-confd",
    "masterd": "gnt-masterd",
    "metad": "gnt-metad",
    "mond": "root",
    "noded": "root",
    "rapi": "gnt-rapi",
}
GROUPS: Final = {
    "confd": "gnt-confd",
    "daemons": "gnt-daemons",
    "masterd": "gnt-masterd",
    "metad": "gnt-metad",
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
    Directory(f"{_RUN}/metadata", 0o750, "noded", "metad"),
    Directory(f"{_RUN}/socket", 0o770, "masterd", "daemons"),
    Directory(f"{_RUN}/uid-pool", 0o750, "noded", "masterd"),
    Directory("/etc/ganeti", 0o755, "noded", "noded"),
    Directory("/etc/ganeti/hooks", 0o755, "noded", "noded"),
    Directory("/var/lock", 0o755, "noded", "noded"),
)


class FileKind(NamedTuple):
    """Mode and roles of a file."""

    mode: int
    user: str
    group: str


_SECRET: Final = FileKind(0o440, "masterd", "masterd")
_JOBS: Final = FileKind(0o640, "masterd", "daemons")
SSCONF: Final = FileKind(0o444, "noded", "noded")

# By pattern below a directory; of a name, the first that fits counts. What nothing fits is left.
FILES: Final = {
    _LIB: {
        # Who may sign certificates: root, and the master's daemon hands it to new candidates.
        "ca.key": FileKind(0o440, "noded", "masterd"),
        "ca.pem": FileKind(0o444, "noded", "noded"),
        "client.pem": _SECRET,
        "cluster-domain-secret": FileKind(0o640, "masterd", "masterd"),
        # The database consists of several files.
        "cluster.db*": FileKind(0o600, "masterd", "masterd"),
        "config.data": FileKind(0o640, "masterd", "confd"),
        "hmac.key": FileKind(0o440, "confd", "masterd"),
        "known_hosts": FileKind(0o644, "masterd", "masterd"),
        "rapi.pem": FileKind(0o440, "rapi", "masterd"),
        "server.pem": _SECRET,
        "spice-ca.pem": FileKind(0o440, "noded", "masterd"),
        "spice.pem": FileKind(0o440, "noded", "masterd"),
        "ssconf_*": SSCONF,
        "watcher.pause": FileKind(0o644, "masterd", "masterd"),
    },
    f"{_LIB}/queue": {"drain": FileKind(0o644, "masterd", "daemons"), "*": _JOBS},
    f"{_LIB}/rapi": {"users": FileKind(0o640, "rapi", "masterd")},
    _LOG: {
        "conf-daemon.log": FileKind(0o600, "confd", "masterd"),
        "master-daemon.log": FileKind(0o600, "masterd", "masterd"),
        "meta-daemon.log": FileKind(0o600, "metad", "metad"),
        "monitoring-daemon.log": FileKind(0o600, "mond", "masterd"),
        "node-daemon.log": FileKind(0o600, "noded", "masterd"),
        "rapi-daemon.log": FileKind(0o600, "rapi", "masterd"),
    },
    # A daemon locks its own, and writes what keeps it from ending beside it.
    _RUN: {
        "ganeti-confd.pid*": FileKind(0o644, "confd", "confd"),
        "ganeti-masterd.pid*": FileKind(0o644, "masterd", "masterd"),
        "ganeti-metad.pid*": FileKind(0o644, "metad", "metad"),
        "ganeti-rapi.pid*": FileKind(0o644, "rapi", "daemons"),
    },
}


def ensure_directories(paths: Paths, *, archive: bool = False) -> None:
    """Make what is missing and set modes and owners of all.

    Args:
        paths: the node.
        archive: go through the files of archived jobs too, of which there may be many.

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
        uid, gid = owner(entry.user, entry.group) if owned else (-1, -1)
        give(path, mode=entry.mode, uid=uid, gid=gid)
    if owned:
        for place, kinds in FILES.items():
            _ensure_files(place, kinds)
        if archive:
            _ensure_archive(paths)


def ensure_file(paths: Paths, path: str) -> None:
    """Set mode and owner of one file that may be new.

    Raises:
        OSError: they cannot be set.
    """
    place, name = os.path.split(path)
    if not paths.is_virtual and os.geteuid() == 0:
        _ensure_one(place, name, FILES.get(place, {}))


def _ensure_files(place: str, kinds: dict[str, FileKind]) -> None:
    for name in os.listdir(place):
        _ensure_one(place, name, kinds)


def _ensure_one(place: str, name: str, kinds: dict[str, FileKind]) -> None:
    path = f"{place}/{name}"
    kind = next((kind for pattern, kind in kinds.items() if fnmatchcase(name, pattern)), None)
    if kind is not None and os.path.isfile(path):
        uid, gid = owner(kind.user, kind.group)
        give(path, mode=kind.mode, uid=uid, gid=gid)


def _ensure_archive(paths: Paths) -> None:
    uid, gid = owner(_JOBS.user, _JOBS.group)
    with os.scandir(paths.archive_dir) as entries:
        parts = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for part in parts:
        give(part, mode=0o750, uid=uid, gid=gid)
        _ensure_files(part, {"*": _JOBS})


def owner(user: str, group: str) -> tuple[int, int]:
    """Numbers of the user and the group that play two roles; -1 where there is none."""
    return user_id(USERS[user]), group_id(GROUPS[group])


def socket_owner(paths: Paths) -> tuple[int, int]:
    """User and group of the LUXI sockets; -1 where they stay as they are."""
    if paths.is_virtual:
        return -1, -1
    uid = user_id(USERS["masterd"]) if os.geteuid() == 0 else -1
    return uid, group_to_give(paths, GROUPS["daemons"])


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``ensure-dirs``."""
    parser = argparse.ArgumentParser(prog="ensure-dirs", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--full-run", action="store_true", help="set those of archived jobs as well"
    )
    options = parser.parse_args(argv)
    try:
        ensure_directories(Paths.from_env(), archive=options.full_run)
    except (OSError, ValueError) as err:
        print(f"ensure-dirs: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
