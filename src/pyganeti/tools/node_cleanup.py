"""``node-cleanup``: take a node out of its cluster by removing what the cluster left on it.

Run by people on a node that was lost, and by ``gnt-node add`` when joining failed. Daemons are
stopped; instances and their disks are left alone. Removed files are kept in a backup directory.

Source: gnt-node(8) ADD on this tool.
"""

import argparse
import os
import shutil
import sys
from typing import Final

from pyganeti.kit.clock import now
from pyganeti.kit.paths import Paths
from pyganeti.node.ssh_keys import SshKeys
from pyganeti.tools import services
from pyganeti.tools.ending import ended

BACKUP_DIR: Final = "/var/backups"
# Everything that makes the node a member or a candidate, relative to the data directory.
_STATE: Final = (
    "ca-next.pem",
    "ca.key",
    "ca.pem",
    "client.pem",
    "cluster-domain-secret",
    "config.data",
    "epoch",
    "hmac.key",
    "known_hosts",
    "queue",
    "rapi.pem",
    "server.pem",
    "spice-ca.pem",
    "spice.pem",
    "watcher.pause",
)
# The database consists of several files.
_STATE_PREFIXES: Final = ("cluster.db", "ssconf_")


def state_files(paths: Paths) -> list[str]:
    """What there is to remove, as absolute paths."""
    try:
        names = sorted(os.listdir(paths.data_dir))
    except FileNotFoundError:
        return []
    return [
        os.path.join(paths.data_dir, name)
        for name in names
        if name in _STATE or name.startswith(_STATE_PREFIXES)
    ]


def stop_daemons(paths: Paths) -> None:
    """Stop all daemons of the node.

    Raises:
        ServiceError: one does not end.
    """
    for service in services.stopping_services():
        services.stop(paths, service)


def clean(paths: Paths, backup: str | None) -> None:
    """Remove the cluster's state.

    Args:
        paths: the node.
        backup: directory to keep a copy in, made here, or ``None``.

    Raises:
        OSError: nothing is removed before it is kept.
    """
    found = state_files(paths)
    if backup is not None and found:
        os.makedirs(backup, mode=0o700)
        for path in found:
            target = os.path.join(backup, os.path.basename(path))
            if os.path.isdir(path):
                shutil.copytree(path, target)
            else:
                shutil.copy2(path, target)
    for path in found:
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def backup_name(paths: Paths) -> str:
    """A new directory for :func:`clean` to keep copies in."""
    return f"{paths.rootdir}{BACKUP_DIR}/ganeti-node-cleanup-{int(now())}-{os.getpid()}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="node-cleanup", description=__doc__.splitlines()[0])
    parser.add_argument("--no-backup", action="store_true", help="keep no copy of the files")
    parser.add_argument("--yes-do-it", action="store_true", help="do not ask")
    parser.add_argument("-d", "--debug", action="store_true", help="accepted, says nothing more")
    return parser.parse_args()


def main() -> int:
    """Entry point."""
    options = _arguments()
    paths = Paths.from_env()
    if not options.yes_do_it:
        print("This removes the cluster's state from this node. Type yes to go on: ", end="")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "yes":
            print("Aborted.", file=sys.stderr)
            return 1
    return ended("node-cleanup", lambda: _leave(paths, keep=not options.no_backup))


def _leave(paths: Paths, *, keep: bool) -> int:
    stop_daemons(paths)
    clean(paths, backup_name(paths) if keep else None)
    SshKeys(paths.ssh_dir, paths.ssh_host_dir).authorize((), (), only=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
