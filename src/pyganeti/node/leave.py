"""What a node forgets when it leaves its cluster, or is a candidate no more.

Fixed lists of files, nothing else.
"""

import os
from contextlib import suppress
from typing import Final

from pyganeti.kit.files import remove
from pyganeti.kit.paths import Paths

from .files import SSCONF_KEYS
from .ssh_keys import SshKeys

_DATABASE_SUFFIXES: Final = ("", "-wal", "-shm", "-mark")


def cluster_files(paths: Paths, *, ssh: bool) -> tuple[str, ...]:
    """Files that belong to the cluster and not to the node; keys of others' hosts if ``ssh``."""
    return (
        *(paths.ssconf(key) for key in sorted(SSCONF_KEYS)),
        *(paths.database + suffix for suffix in _DATABASE_SUFFIXES),
        paths.config_file,
        paths.ca_key,
        paths.ca_next,
        *paths.certificates,
        paths.hmac_key,
        paths.domain_secret,
        paths.watcher_pause,
        # A next cluster counts its epochs from the start.
        paths.epoch_file,
        *((paths.known_hosts, f"{paths.data_dir}/ganeti_pub_keys") if ssh else ()),
    )


def leave_cluster(paths: Paths, *, ssh: bool) -> None:
    """Remove them, the exported job queue, and if ``ssh`` the logins of the cluster.

    Blocking; repeating it changes nothing.
    """
    for path in cluster_files(paths, ssh=ssh):
        remove(path)
    _remove_queue(paths)
    if ssh:
        # Whom the site lets in may come in further on.
        SshKeys(paths.ssh_dir, paths.ssh_host_dir).authorize((), (), only=True)


def remove_database(paths: Paths) -> None:
    """Remove the copy of the master's database, which nobody has open. Blocking, repeatable."""
    for suffix in _DATABASE_SUFFIXES:
        remove(paths.database + suffix)


def forget_candidacy(paths: Paths) -> None:
    """Remove what only candidates get, but for the database. Blocking, repeatable.

    The keys go first: they are what nobody else may have.
    """
    for path in (paths.ca_key, paths.ca_next, paths.config_file):
        remove(path)
    _remove_queue(paths)


def _remove_queue(paths: Paths) -> None:
    for directory, _names, files in os.walk(paths.queue_dir, topdown=False):
        for name in files:
            remove(os.path.join(directory, name))
        with suppress(OSError):
            os.rmdir(directory)
