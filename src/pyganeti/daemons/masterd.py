"""``ganeti-masterd``: the daemon that owns configuration, jobs and locks.

    database -> term -> recovery -> LUXI sockets -> jobs

Runs on the master only. ``--take-config-file`` and ``--keep-database`` decide, once, which of two
diverging states counts, and end.
"""

import asyncio
import os
import ssl
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.ids import SystemIds
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import UnknownHost, own_hostname, resolve
from pyganeti.kit.threads import in_thread
from pyganeti.kit.worker import Worker
from pyganeti.master.app import Master, Surroundings
from pyganeti.master.candidate_files import CandidateFiles
from pyganeti.master.config import load_view
from pyganeti.master.config_hooks import has_hooks
from pyganeti.master.export import Exporter, check_config_file
from pyganeti.master.imports import keep_database, needs_import, take_config_file
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.luxi import LuxiMethods
from pyganeti.master.master_ip import activate_call
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.old_jobs import OldJobs, archived_files
from pyganeti.master.term import Election
from pyganeti.model.errors import (
    ConfigFileChanged,
    ConfigurationError,
    GenericError,
    NotMasterError,
    ResolverError,
)
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Contents
from pyganeti.store.sqlite import SqliteBackend
from pyganeti.tools.layout import socket_owner
from pyganeti.tools.services import ALIASES
from pyganeti.wire.luxi.limits import Limits
from pyganeti.wire.luxi.server import LuxiServer
from pyganeti.wire.noderpc.call import NodeClient
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.probe import is_answered

from .base import CORRUPT_CONFIG, FAILURE, OK, DaemonSpec, Life, drop_rights, exit_code, run_daemon
from .open_files import allow_files
from .options import add_user_option, daemon_parser, parsed
from .pidfile import PidFile

NAME: Final = "ganeti-masterd"
LOG_BASE: Final = "master-daemon"
# Running jobs get this long when the daemon is told to end; then they are left to the next one.
STOP_TIMEOUT_S: Final = 60.0
LONGEST_STOP_S: Final = 86400.0
CLIENTS_S: Final = 1.0
# Candidates that do not answer while the daemon ends are left without the newest files.
LAST_EXPORT_S: Final = 3.0


class _Stopped(Exception):
    """Ends the daemon's task group."""


def _client_context(paths: Paths) -> ssl.SSLContext:
    try:
        return tls.client_context(paths.client_pem, paths.ca_cert)
    except OSError as err:
        files = f"{paths.client_pem} and {paths.ca_cert}"
        raise ConfigurationError(f"no usable certificates in {files}: {tls.reason(err)}") from err


async def _resolve(paths: Paths, version: int, name: str) -> tuple[str, str]:
    try:
        return await in_thread(partial(resolve, paths, name, version=version))
    except UnknownHost as err:
        raise ResolverError(name, "resolver_error", str(err)) from err


def _check_is_master(paths: Paths, master: str) -> None:
    here = own_hostname(paths)
    if here != master:
        raise NotMasterError(f"this is {here}, the master is {master}")


def _check_may_decide(paths: Paths) -> None:
    """Only the master's state may be changed by hand; a candidate's is a copy.

    Raises:
        NotMasterError: this node knows that another one is the master.
    """
    master = (read_bytes(paths.ssconf("master_node")) or b"").decode("utf-8", "replace").strip()
    if master:
        _check_is_master(paths, master)


def _make_files_suffice() -> int:
    """Let this process open as many files as it may; how many of them are for clients."""
    return min(Limits().clients, allow_files(4 * Limits().clients) // 2)


class Daemon:
    """The master daemon, from open database to closed.

    Args:
        paths: this node.
        life: told when it is ready; tells when to end.
        voting: whether a majority of nodes must agree.
        stop_timeout_s: how long running jobs have when the daemon is told to end.
    """

    def __init__(
        self, paths: Paths, life: Life, *, voting: bool, stop_timeout_s: float = STOP_TIMEOUT_S
    ) -> None:
        self._paths = paths
        self._life = life
        self._voting = voting
        self._stop_timeout_s = stop_timeout_s
        self._clock = SystemClock()

    async def serve(self) -> int:
        """Work until it is time to end."""
        async with AsyncExitStack() as stack:
            worker = stack.enter_context(Worker("store"))
            if needs_import(self._paths):
                take_config_file(self._paths)
            backend = await worker.run(partial(SqliteBackend, self._paths.database))
            store = Committer(backend, worker)
            client = await stack.enter_async_context(
                HttpNodeClient(_client_context(self._paths), self._clock)
            )

            async def renew_client() -> None:
                client.renew(await in_thread(_client_context, self._paths))

            contents = await store.load()
            await self._check_state(contents, client, store.stored_epoch)
            version = load_view(contents).cluster.ip_version
            around = Surroundings(
                store=store,
                client=client,
                clock=self._clock,
                ids=SystemIds(),
                resolve=partial(_resolve, self._paths, version),
                answers=is_answered,
                data_dir=self._paths.data_dir,
                socket_dir=self._paths.socket_dir,
                has_config_hooks=partial(has_hooks, self._paths.hooks_dir),
                keys=KeyFiles(self._paths),
                renew_client=renew_client,
            )
            master = await Master.begin(around, contents, voting=self._voting)
            candidates = CandidateFiles(
                NodeWriter(master.access), self._clock, master.queue, master.other_candidates
            )
            exporter = Exporter(
                self._paths, store, master.config, master.queue, self._clock, candidates
            )
            exporter.load(contents)
            return await self._run(master, exporter, candidates)

    async def _check_state(self, contents: Contents, client: NodeClient, stored: int) -> None:
        """Refuse what cannot be gone on with, before the vote: a term ends that of another master.

        Raises:
            NotMasterError: this node is not the master.
            ConfigFileChanged: somebody edited the exported file.
        """
        view = load_view(contents)
        _check_is_master(self._paths, view.master_node.name)
        try:
            check_config_file(self._paths, contents)
        except ConfigFileChanged:
            # It was the new master, if there is one.
            election = Election(client, self._clock, stored, voting=self._voting)
            await election.check_not_former(view)
            raise

    async def _run(self, master: Master, exporter: Exporter, candidates: CandidateFiles) -> int:
        master.config.subscribe(lambda *_: exporter.config_changed())
        master.queue.subscribe(exporter.job_changed)
        master.replication.subscribe_returns(candidates.renew)
        # Until then its daemon may have written over what was sent.
        master.former_masters.subscribe(candidates.renew)
        methods = LuxiMethods(master)
        # The same on both: Ganeti's own client submits jobs on the query socket.
        server = LuxiServer(
            methods.handle,
            self._paths.master_socket,
            self._paths.query_socket,
            is_question=methods.is_question,
            owner=socket_owner(self._paths),
            limits=Limits(clients=_make_files_suffice()),
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = (exporter.run(), candidates.run(), self._old_jobs(master).run())
                for task in (*master.background(), *tasks):
                    group.create_task(task)
                await master.recover()
                group.create_task(master.serve())
                await self._activate_ip(master)
                if master.former_masters.are_left or exporter.lacks_config():
                    await self._export(exporter)
                await server.start()
                self._life.ready()
                await self._stopped_or_superseded(master)
                # Who waits for a job that just ended asks for its result next.
                grace_s = CLIENTS_S if await self._finish_jobs(master) else 0.0
                await server.stop(grace_s)
                await exporter.flush()
                await candidates.flush(LAST_EXPORT_S)
                await master.around.store.close()
                raise _Stopped
        except* _Stopped:
            pass
        return OK

    def _old_jobs(self, master: Master) -> OldJobs:
        files = partial(archived_files, self._paths.archive_dir)
        return OldJobs(master.around.store, self._clock, files)

    async def _finish_jobs(self, master: Master) -> bool:
        """Let running jobs end, and say so; whether there were any.

        Clients are answered meanwhile: they may cancel.
        """
        running = await master.close()
        if not running:
            return False
        limit = self._stop_timeout_s
        names = ", ".join(map(str, running))
        self._life.tell(f"waiting up to {limit:g} s for running jobs to end: {names}", limit)
        left = await master.finish_running(limit)
        if left:
            names = ", ".join(map(str, left))
            self._life.tell(f"jobs that still run are left to the next start: {names}", 0.0)
        return True

    async def _stopped_or_superseded(self, master: Master) -> None:
        """Wait for the time to end.

        Raises:
            NotMasterError: most nodes obey a newer master; jobs under way are left to it.
        """
        async with asyncio.TaskGroup() as group:
            waits = {
                group.create_task(self._life.stopped()),
                group.create_task(master.term.over.wait()),
            }
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        if master.term.over.is_set():
            master.processor.abandon()
            raise NotMasterError(
                f"term {master.epoch} of this master is over: most nodes obey a newer one"
            )

    async def _export(self, exporter: Exporter) -> None:
        """Write the files before a failover, or the founding of a cluster, counts as done.

        What cannot be written is tried again.
        """
        try:
            await exporter.flush()
        except (OSError, GenericError) as err:
            print(f"{NAME}: exports cannot be written yet: {err}", file=sys.stderr)

    async def _activate_ip(self, master: Master) -> None:
        """Bring the cluster's address up; without it jobs run all the same."""
        cluster = master.config.view.cluster
        try:
            await NodeWriter(master.access).call(cluster.master_node, activate_call(cluster))
        except GenericError as err:
            print(f"{NAME}: the cluster's address could not be activated: {err}", file=sys.stderr)


def _decide(spec: DaemonSpec, action: Callable[[Paths], None]) -> int:
    paths = spec.paths
    try:
        # What is written belongs to the daemon that goes on with it.
        drop_rights(spec)
        # A master at work would be fenced by what is written behind its back.
        os.makedirs(paths.run_dir, 0o755, exist_ok=True)
        pid_file = PidFile(paths.pid_file(NAME))
        try:
            _check_may_decide(paths)
            action(paths)
        finally:
            pid_file.close()
    except (GenericError, OSError) as err:
        print(f"{NAME}: {err}", file=sys.stderr)
        # Whatever is wrong with what was to become the state: it is not fit for it.
        return CORRUPT_CONFIG if isinstance(err, ConfigurationError) else exit_code(err)
    return OK


def _seconds(text: str) -> float:
    """A number of seconds.

    Raises:
        ArgumentTypeError: it is none, or not a time to wait.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST_STOP_S:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST_STOP_S:g}")
    return value


def _parser() -> ArgumentParser:
    # Under the names of what it replaces it is asked for its version, too.
    called = os.path.basename(sys.argv[0])
    parser = daemon_parser(called if called in ALIASES else NAME)
    parser.add_argument("--no-voting", action="store_true", help="become master without a majority")
    parser.add_argument("--yes-do-it", action="store_true", help="needed with --no-voting")
    parser.add_argument(
        "--stop-timeout",
        type=_seconds,
        default=STOP_TIMEOUT_S,
        metavar="SECONDS",
        help=f"how long a stop waits for running jobs (default: {STOP_TIMEOUT_S:g})",
    )
    add_user_option(parser)
    parser.add_argument(
        "--take-config-file", action="store_true", help="make config.data the state, and end"
    )
    parser.add_argument(
        "--keep-database", action="store_true", help="write config.data anew, and end"
    )
    return parser


def main() -> int:
    """Entry point."""
    options, paths = parsed(_parser())
    # A job takes many rounds of the loop: uvloop saves a seventh of its CPU. A node daemon is
    # better off without it, since it allots and frees 256 KiB for each read over TLS.
    spec = DaemonSpec(NAME, LOG_BASE, paths, options, uvloop=True)
    if options.take_config_file:
        return _decide(spec, take_config_file)
    if options.keep_database:
        return _decide(spec, keep_database)
    if options.no_voting and not options.yes_do_it:
        print(f"{NAME}: --no-voting is dangerous: give --yes-do-it as well", file=sys.stderr)
        return FAILURE

    async def body(life: Life) -> int:
        daemon = Daemon(
            paths, life, voting=not options.no_voting, stop_timeout_s=options.stop_timeout
        )
        return await daemon.serve()

    return run_daemon(spec, body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
