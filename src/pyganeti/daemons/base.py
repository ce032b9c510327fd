"""What every daemon does around its work: detach, pid file, log, signals, readiness.

    main() -> run_daemon(spec, body) -> body(life) ... life.ready() ... life.stopped() -> exit code

Used by noded and masterd. ``daemon-util start`` and service managers both see readiness: the first
by the pid file, the others by ``sd_notify``.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.identity import become, user_id
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import (
    ConfigFileChanged,
    ConfigVersionMismatch,
    GenericError,
    NotClusterError,
    NotMasterError,
    StoreCorrupt,
    StoreFenced,
)
from pyganeti.tools import services
from pyganeti.tools.layout import USERS, ensure_directories

from .logs import ReopenedFile, set_up_logging
from .pidfile import PidFile

OK: Final = 0
FAILURE: Final = 1
CORRUPT_CONFIG: Final = 2
NOT_CLUSTER: Final = 5
NOT_MASTER: Final = 11
# Nothing may hold up the event loop for longer than this.
_SLOW_S: Final = 0.02
# What the end itself may take, after the last job.
_END_S: Final = 30.0
_CORRUPT: Final = (StoreCorrupt, ConfigFileChanged, ConfigVersionMismatch)
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DaemonSpec:
    """A daemon: its name (``ganeti-noded``), the base of its log file, where it lies, options.

    Attributes:
        uvloop: run on uvloop where it is installed.
        low_ports: listens on ports below 1024, also when it does not run as root.
    """

    name: str
    log_base: str
    paths: Paths
    options: argparse.Namespace
    uvloop: bool = False
    low_ports: bool = False


def exit_code(error: BaseException) -> int:
    """The exit code of a daemon that ``error`` ended, by the exit codes of Ganeti's constants."""
    if isinstance(error, (NotMasterError, StoreFenced)):
        return NOT_MASTER
    if isinstance(error, NotClusterError):
        return NOT_CLUSTER
    return CORRUPT_CONFIG if isinstance(error, _CORRUPT) else FAILURE


class _Stopped(Exception):
    """Ends the tasks of :meth:`Life.beside`."""


class Life:
    """A daemon's life as its body sees it."""

    def __init__(self, pid_file: PidFile, env: Mapping[str, str]) -> None:
        self._pid_file = pid_file
        self._env = env
        self._stop = asyncio.Event()
        self._at_hangup: list[Callable[[], None]] = []

    def at_hangup(self, action: Callable[[], None]) -> None:
        """Have ``action`` called at each SIGHUP, which means: what is on disk may be new."""
        self._at_hangup.append(action)

    def hang_up(self) -> None:
        """Look at everything anew."""
        for action in self._at_hangup:
            action()

    def ready(self) -> None:
        """Tell whoever started us that we answer now."""
        self._pid_file.announce()
        notify(self._env, "READY=1")
        _LOG.info("ready")

    def tell(self, text: str, more_s: float) -> None:
        """Say what takes time, in the log and to whoever waits for our end.

        Args:
            text: for people.
            more_s: how long it may take.
        """
        _LOG.info("%s", text)
        self._pid_file.tell(text, more_s)
        notify(self._env, f"STATUS={text}")
        notify(self._env, f"EXTEND_TIMEOUT_USEC={int((more_s + _END_S) * 1_000_000)}")

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait for the time to end."""
        await self._stop.wait()
        notify(self._env, "STOPPING=1")

    # Any: what a coroutine is sent and yields, which only the loop sees.
    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Be ready, and do ``work`` until it is time to end; it is cancelled then.

        Raises:
            ExceptionGroup: what ended the work.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(work)
                self.ready()
                await self.stopped()
                raise _Stopped
        except* _Stopped:
            pass


Body = Callable[[Life], Awaitable[int]]


def notify(env: Mapping[str, str], state: str) -> None:
    """Tell a service manager that asks (sd_notify(3)); one that does not listen is fine."""
    address = env.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(state.encode("ascii"), address)
        except OSError as err:
            _LOG.warning("service manager does not listen: %s", err)


def run_daemon(spec: DaemonSpec, body: Body, argv: Sequence[str]) -> int:
    """Run a daemon and return its exit code.

    Without ``-f`` it is started in a session of its own, and this returns once it is ready.

    Args:
        spec: which daemon.
        body: its work; returns the exit code after ``life.stopped()``.
        argv: its command line, program first.
    """
    try:
        if not spec.options.foreground:
            return _detach(spec, argv)
        drop_rights(spec)
        return _run_here(spec, body)
    except GenericError as err:
        print(f"{spec.name}: {err}", file=sys.stderr)
        return exit_code(err)
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        print(f"{spec.name}: {where}{err.strerror or err}", file=sys.stderr)
    return FAILURE


def drop_rights(spec: DaemonSpec) -> None:
    """Go on as the user whose daemon this is, on a real machine that has that user.

    Root may start any daemon, and leaves it what it needs: directories, and files as they ought to
    be. ``--no-user-checks`` keeps whoever we are.

    Raises:
        GenericError: we are neither root nor that user.
        OSError: a directory cannot be made.
    """
    service = services.get_service(spec.name)
    user = USERS[service.role]
    wanted = user_id(user)
    # Not all daemons have this option: root's run as root.
    unchecked = getattr(spec.options, "no_user_checks", False)
    if spec.paths.is_virtual or unchecked or wanted in (-1, os.geteuid()):
        return
    if os.geteuid() != 0:
        raise GenericError(f"this daemon runs as {user}: start it as root or as {user}")
    ensure_directories(spec.paths)
    become(user, low_ports=spec.low_ports)


def _detach(spec: DaemonSpec, argv: Sequence[str]) -> int:
    service = services.get_service(spec.name)
    os.makedirs(spec.paths.log_dir, 0o755, exist_ok=True)
    services.start(spec.paths, service, os.path.abspath(argv[0]), list(argv[1:]))
    return OK


def _run_here(spec: DaemonSpec, body: Body) -> int:
    for directory in (spec.paths.log_dir, spec.paths.run_dir):
        os.makedirs(directory, 0o755, exist_ok=True)
    pid_file = PidFile(spec.paths.pid_file(spec.name))
    try:
        log = set_up_logging(
            spec.name,
            spec.paths.log_file(spec.log_base),
            debug=spec.options.debug,
            syslog=spec.options.syslog,
        )
        with asyncio.Runner(loop_factory=_loop_factory(spec)) as runner:
            return runner.run(_live(spec, body, pid_file, log))
    finally:
        pid_file.close()
        logging.shutdown()


def _loop_factory(spec: DaemonSpec) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; ``None`` for Python's own, which debugging needs."""
    if not spec.uvloop or spec.options.debug:
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _live(spec: DaemonSpec, body: Body, pid_file: PidFile, log: ReopenedFile | None) -> int:
    life = Life(pid_file, os.environ)
    loop = asyncio.get_running_loop()
    if spec.options.debug:
        # The loop's own debug mode names every callback that holds it up for longer.
        loop.slow_callback_duration = _SLOW_S
        loop.set_debug(True)
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, life.stop)
    if log is not None:
        life.at_hangup(log.reopen)
    loop.add_signal_handler(signal.SIGHUP, life.hang_up)
    _LOG.info("%s starts", spec.name)
    try:
        code = await body(life)
    except* (GenericError, OSError) as failures:
        leaves = _leaves(failures)
        code = max(map(exit_code, leaves))
        for failure in leaves:
            _LOG.error("%s", failure)
            print(f"{spec.name}: {failure}", file=sys.stderr)
    _LOG.info("%s ends with code %d", spec.name, code)
    return code


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
