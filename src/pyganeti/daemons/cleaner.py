"""``ganeti-cleaner``: run by a timer every night, removes what nobody needs any more.

    node:    expired certificates of transfers, what the watcher remembers of groups that are gone
    master:  files of jobs that were archived three weeks ago

Nothing is removed for looking odd: what cannot be understood stays. Each run writes a log of its
own. Source: ganeti-cleaner(8); cleaner facts.
"""

import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from pyganeti.daemons.logs import set_up_logging
from pyganeti.kit.clock import now
from pyganeti.kit.files import remove
from pyganeti.kit.paths import Paths
from pyganeti.node.certificate_state import certificate_state

NAME: Final = "ganeti-cleaner"
OK: Final = 0
FAILURE: Final = 1
REMOVE_AFTER_S: Final = 21 * 86400.0
KEPT_LOGS: Final = 50
_USAGE: Final = f"Usage: {NAME} node|master"
_LOG_DIRS: Final = {"node": "cleaner", "master": "master-cleaner"}
_LOG_NAME: Final = re.compile(r"cleaner-[0-9T:_-]+\.[0-9]+\.log")
_WATCHER_FILE: Final = re.compile(r"watcher\.[0-9a-f-]{36}\.(data|instance-status)")
_ARCHIVED: Final = re.compile(r"job-[0-9]+")

_log = logging.getLogger(NAME)


def clean_node(paths: Paths, at: float) -> None:
    """Remove a node's old files; ``at`` is the time, in seconds since 1970.

    Raises:
        OSError: one could not be removed.
    """
    for entry in _entries(f"{paths.run_dir}/crypto"):
        state = certificate_state(f"{entry.path}/cert")
        if state.error:
            _log.warning("%s is left alone: %s: %s", entry.path, state.path, state.error)
        elif state.not_after < at:
            _log.info("removing %s, whose certificate has expired", entry.path)
            shutil.rmtree(entry.path)
    for entry in _entries(paths.data_dir):
        if _WATCHER_FILE.fullmatch(entry.name):
            _remove_old(entry, at)


def clean_master(paths: Paths, at: float) -> None:
    """Remove old files of archived jobs; ``at`` as above.

    Raises:
        OSError: one could not be removed.
    """
    for directory in _entries(paths.archive_dir):
        if directory.is_dir(follow_symlinks=False):
            for entry in _entries(directory.path):
                if _ARCHIVED.fullmatch(entry.name):
                    _remove_old(entry, at)


def _entries(directory: str) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return


def _remove_old(entry: "os.DirEntry[str]", at: float) -> None:
    status = entry.stat(follow_symlinks=False)
    if entry.is_file(follow_symlinks=False) and at - status.st_mtime > REMOVE_AFTER_S:
        _log.info("removing %s", entry.path)
        remove(entry.path)


def _open_log(paths: Paths, what: str) -> None:
    """Begin this run's log, and remove those of runs long ago."""
    directory = f"{paths.log_dir}/{_LOG_DIRS[what]}"
    os.makedirs(directory, 0o750, exist_ok=True)
    begun = datetime.fromtimestamp(now()).strftime("%Y-%m-%dT%H_%M")
    path = f"{directory}/cleaner-{begun}.{os.getpid()}.log"
    set_up_logging(NAME, path, debug=False, syslog="no")
    logs = [entry for entry in _entries(directory) if _LOG_NAME.fullmatch(entry.name)]
    logs.sort(key=lambda entry: entry.stat().st_mtime)
    for entry in logs[:-KEPT_LOGS]:
        remove(entry.path)


def clean(paths: Paths, what: str) -> int:
    """One run; the exit code.

    Raises:
        OSError: something could not be removed, or the log not be written.
    """
    # A timer runs on machines that belong to no cluster, too.
    if not os.path.exists(paths.server_pem):
        return OK
    _open_log(paths, what)
    (clean_node if what == "node" else clean_master)(paths, now())
    return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    words = sys.argv[1:] if argv is None else argv
    if len(words) != 1 or words[0] not in _LOG_DIRS:
        is_asked = list(words) in (["-h"], ["--help"])
        print(_USAGE, file=sys.stdout if is_asked else sys.stderr)
        return OK if is_asked else FAILURE
    try:
        return clean(Paths.from_env(), words[0])
    except (OSError, ValueError) as err:
        _log.error("%s", err)
        print(f"{NAME}: {err}", file=sys.stderr)
        return FAILURE


if __name__ == "__main__":
    sys.exit(main())
