"""``ganeti-watcher``: run by a timer on every node, keeps running what should run.

    every node:  daemons, hooks; guests of a node that is marked offline are ended, if wanted
    the master:  old jobs, and for each node group a process of its own: instances, disks

Source: ganeti-watcher(8).
"""

import asyncio
import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import Final

from pyganeti.cli.parse import parse_duration
from pyganeti.daemons.logs import set_up_logging
from pyganeti.daemons.watcher import maintenance, node, rest
from pyganeti.daemons.watcher.group import STATUS_MODE, Group
from pyganeti.daemons.watcher.locking import only_one
from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, run, spawn_daemon
from pyganeti.model.errors import GenericError, ParameterError
from pyganeti.tools.services import is_master
from pyganeti.wire.luxi.client import LuxiClient, socket_path

OK: Final = 0
FAILURE: Final = 1
NAME: Final = "ganeti-watcher"
JOB_AGE: Final = "6h"
_ARCHIVE_S: Final = 30
_GROUP_S: Final = 3600.0
_LOG_BASE: Final = "watcher"

_log = logging.getLogger(NAME)


def _parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=NAME, description="Keep running what should run.")
    add = made.add_argument
    add("-d", "--debug", action="store_true", help="log more, also to standard error")
    add("-g", "--node-group", metavar="UUID", help="look after this node group only")
    add("-A", "--job-age", type=_age, default=_age(JOB_AGE), metavar="AGE",
        help=f"archive jobs that ended so long ago ({JOB_AGE})")  # fmt: skip
    add("--ignore-pause", action="store_true", help="go on although the watcher is paused")
    add("--wait-children", action="store_true", dest="wait", default=True,
        help="end when all node groups are done (default)")  # fmt: skip
    add("--no-wait-children", action="store_false", dest="wait",
        help="leave node groups to processes of their own")  # fmt: skip
    add("--no-verify-disks", action="store_false", dest="verify_disks", default=True,
        help="do not look for disks that are not active")  # fmt: skip
    add("--no-strict", action="store_false", dest="strict", default=True,
        help="a node that does not answer is no failure when disks are verified")  # fmt: skip
    add("--rapi-ip", metavar="IP", help="where to ask whether the REST daemon answers")
    return made


def _age(text: str) -> int:
    try:
        return parse_duration(text)
    except ParameterError as err:
        raise ArgumentTypeError(str(err)) from err


def watch(paths: Paths, options: Namespace) -> int:
    """Do one round; the exit code.

    Raises:
        GenericError: the master does not answer, or refuses.
        OSError: a file cannot be written.
    """
    if options.node_group:
        return _watch_group(paths, options)
    with only_one(paths.watcher_lock) as alone:
        if not alone:
            _log.warning("another watcher is at work")
            return OK
        master = is_master(paths)
        if not options.ignore_pause and _is_paused(paths, master=master):
            _log.info("the watcher is paused")
            return OK
        well = node.start_daemons(paths, master=master)
        node.run_hooks(paths)
        well &= maintenance.keep_healthy(paths)
        if master:
            well &= rest.keep_answering(paths, options.rapi_ip)
        groups = _watch_queue(paths, options) if master else []
    commands = [_group_command(options, uuid) for uuid in groups]
    if not options.wait:
        for command in commands:
            spawn_daemon(command)
        return OK if well else FAILURE
    codes = asyncio.run(_run_all(commands))
    if groups:
        _merge_status(paths, groups)
    return OK if well and not any(codes) else FAILURE


def _is_paused(paths: Paths, *, master: bool) -> bool:
    """As the master says; elsewhere, or while there is none, as it said last."""
    if master:
        try:
            with _master(paths) as client:
                (until,) = client.query_config_values(["watcher_pause"])
        except GenericError as err:
            _log.warning("the master daemon does not answer: %s", err)
        else:
            return until is not None and until > now()
    return node.is_paused(paths, now())


def _watch_queue(paths: Paths, options: Namespace) -> list[str]:
    """Archive old jobs; the UUIDs of the node groups."""
    with _master(paths) as client:
        archived, left = client.auto_archive_jobs(options.job_age, _ARCHIVE_S)
        _log.debug("%d jobs archived, %d not looked at", archived, left)
        return [uuid for ((_status, uuid),) in client.query("group", ["uuid"])["data"]]


def _group_command(options: Namespace, uuid: str) -> list[str]:
    """The process that looks after one node group: a slow one must not keep the others."""
    words = [sys.executable, "-P", "-m", "pyganeti.daemons.watcher.main", "--node-group", uuid]
    words += ["--debug"] if options.debug else []
    words += [] if options.verify_disks else ["--no-verify-disks"]
    words += [] if options.strict else ["--no-strict"]
    return words


async def _run_all(commands: Sequence[Sequence[str]]) -> list[int]:
    """Run them side by side; their exit codes. One that takes too long is ended, not its jobs."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_one(command)) for command in commands]
    return [task.result() for task in tasks]


async def run_one(command: Sequence[str]) -> int:
    """Run one, and say after it what went wrong; its exit code."""
    ends = frozenset({OK, FAILURE})
    try:
        done = await run(Command(tuple(command), env=os.environ, timeout_s=_GROUP_S, ok_codes=ends))
    except ProcessError as err:
        _log.error("%s", err)
        return FAILURE
    if done.code != OK:
        # Its log is ours, but not what Python says before there is a log.
        words = done.stderr.strip() or f"{NAME}: no reason was given by {' '.join(command)}"
        print(words, file=sys.stderr)
    return done.code


def _watch_group(paths: Paths, options: Namespace) -> int:
    with only_one(paths.watcher_group_lock(options.node_group)) as alone:
        if not alone:
            _log.warning("another watcher is at work on node group %s", options.node_group)
            return OK
        with _master(paths) as client:
            group = Group(paths, client, options.node_group)
            well = group.watch(verify_disks=options.verify_disks, strict=options.strict)
    return OK if well else FAILURE


def _master(paths: Paths) -> LuxiClient:
    return LuxiClient(socket_path(paths, {}))


def _merge_status(paths: Paths, groups: Sequence[str]) -> None:
    """Bring what was seen of the groups' instances together in one file."""
    parts = [read_bytes(paths.watcher_status(uuid)) or b"" for uuid in groups]
    lines = sorted(line for part in parts for line in part.splitlines(keepends=True))
    write_atomic(paths.instance_status, b"".join(lines), mode=STATUS_MODE)


def _say_errors() -> logging.Handler:
    """Say what goes wrong to whoever started this, too: cron and timers pass it on."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(logging.Formatter(f"{NAME}: %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def main() -> int:
    """Entry point."""
    options = _parser().parse_args()
    errors = _say_errors()
    try:
        paths = Paths.from_env()
        if not read_bytes(paths.server_pem):
            # A timer runs on machines that belong to no cluster, too.
            return OK
        set_up_logging(NAME, paths.log_file(_LOG_BASE), debug=options.debug, syslog="no")
        if sys.stderr.isatty():
            # A terminal gets all that is logged.
            logging.getLogger().removeHandler(errors)
        return watch(paths, options)
    except (GenericError, OSError, ValueError) as err:
        _log.error("%s", str(err) or type(err).__name__)
        return FAILURE
    except Exception:  # supervisor: nobody else would write down what is wrong
        _log.exception("a fault in the watcher")
        return FAILURE


if __name__ == "__main__":
    sys.exit(main())
