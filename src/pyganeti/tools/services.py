"""Start, stop and look at the daemons of a node, real or virtual.

    name -> executable -> process -> pid file locked = ready

Used by daemon-util and node-cleanup. A daemon runs in the foreground of a session of its own; what
it says goes to its log file. Where systemd runs and has a unit for it, that starts it instead.
"""

import os
import shlex
import shutil
import signal
import sys
from contextlib import suppress
from typing import Final, NamedTuple

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import ProcessError, ended_with, is_alive, spawn_daemon
from pyganeti.kit.resolver import own_hostname
from pyganeti.model.errors import GenericError
from pyganeti.tools import systemd
from pyganeti.tools.layout import ensure_file
from pyganeti.tools.pidfile import is_held, read_status, running_pid, wait_until

# Longer than a master asks for votes, so that it can say why there is none.
READY_S: Final = 100.0
STOP_S: Final = 60.0
KILL_S: Final = 10.0
# What of the log is repeated when a daemon does not come up.
_EXCERPT: Final = 2000


class Service(NamedTuple):
    """A daemon: its name, the base of its log file, whether only the master runs it, as whom."""

    name: str
    log: str
    master: bool = False
    role: str = "noded"


# In the order of starting. Upstream's luxid and wconfd are one here, and noded watches its guests.
SERVICES: Final = (
    Service("ganeti-noded", "node-daemon"),
    Service("ganeti-confd", "conf-daemon", role="confd"),
    Service("ganeti-masterd", "master-daemon", master=True, role="masterd"),
    Service("ganeti-rapi", "rapi-daemon", master=True, role="rapi"),
    Service("ganeti-mond", "monitoring-daemon"),
    Service("ganeti-metad", "meta-daemon", role="metad"),
)
ALIASES: Final = {
    "ganeti-kvmd": "ganeti-noded",
    "ganeti-luxid": "ganeti-masterd",
    "ganeti-wconfd": "ganeti-masterd",
}
# metad starts on demand.
_NOT_AT_BOOT: Final = frozenset({"ganeti-metad"})


# How a daemon ends that belongs on the master only, elsewhere; not an error of the daemon.
NOT_MASTER: Final = 11


class ServiceError(GenericError):
    """A daemon could not be started or stopped."""


class NotOnThisNode(ServiceError):
    """A daemon ended at once, because this node is not the master any more."""


def find_service(name: str) -> Service | None:
    """The daemon called ``name``, or by one of upstream's names."""
    wanted = ALIASES.get(name, name)
    return next((service for service in SERVICES if service.name == wanted), None)


def get_service(name: str) -> Service:
    """The daemon called ``name``.

    Raises:
        ServiceError: there is none.
    """
    service = find_service(name)
    if service is None:
        raise ServiceError(f"unknown daemon {name!r}")
    return service


def find_executable(service: Service) -> str | None:
    """Path of the daemon's program, or ``None`` when this installation has none."""
    beside = os.path.join(os.path.dirname(sys.executable), service.name)
    return beside if os.access(beside, os.X_OK) else shutil.which(service.name)


def starting_services(*, master: bool) -> list[Service]:
    """What runs on a node, in the order of starting."""
    return [
        service
        for service in SERVICES
        if (master or not service.master)
        and service.name not in _NOT_AT_BOOT
        and find_executable(service)
    ]


def stopping_services() -> list[Service]:
    """What may run on a node, in the order of stopping."""
    return list(reversed(SERVICES))


def is_master(paths: Paths) -> bool:
    """Whether this node was told that it is the master."""
    name = read_bytes(paths.ssconf("master_node"))
    return name is not None and name.decode().strip() == own_hostname(paths)


def is_running(paths: Paths, service: Service) -> bool:
    """Whether the daemon runs and is ready."""
    return running_pid(paths.pid_file(service.name)) is not None


def get_executable(service: Service) -> str:
    """Path of the daemon's program.

    Raises:
        ServiceError: this installation has none.
    """
    program = find_executable(service)
    if program is None:
        raise ServiceError(f"{service.name} is not part of this installation")
    return program


def start(paths: Paths, service: Service, program: str, args: list[str]) -> None:
    """Start a daemon and wait until it is ready; one that runs is left alone.

    Raises:
        NotOnThisNode: it ended again, for this node is not the master.
        ServiceError: it ended again, or was not ready in time.
        SystemdError: the same, of a unit.
    """
    if is_running(paths, service):
        return
    if has_systemd(paths, service):
        _start_unit(service, args)
        return
    log = paths.log_file(service.log)
    # Its directory is not root's alone: a link there is not followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(log, flags, 0o600)
    try:
        ensure_file(paths, log)
        begin = os.fstat(handle).st_size
        argv = [program, "-f", *default_arguments(paths, service), *args]
        pid = spawn_daemon(argv, output=handle)
    except ProcessError as err:
        raise ServiceError(f"cannot start {service.name}: {err}") from err
    finally:
        os.close(handle)
    if not _comes_up(paths, service, pid):
        how = "is not ready" if is_alive(pid) else "ended while it started"
        kind = NotOnThisNode if ended_with(pid) == NOT_MASTER else ServiceError
        raise kind(f"{service.name} {how}; its log {log} says:\n{_tail(log, begin)}")


def _start_unit(service: Service, args: list[str]) -> None:
    try:
        systemd.start(service.name, args)
    except systemd.SystemdError as err:
        if systemd.last_exit_code(service.name) == NOT_MASTER:
            raise NotOnThisNode(str(err)) from err
        raise


def has_systemd(paths: Paths, service: Service) -> bool:
    """Whether systemd is to start a daemon."""
    return not paths.is_virtual and systemd.is_running() and systemd.has_unit(service.name)


def _comes_up(paths: Paths, service: Service, pid: int) -> bool:
    path = paths.pid_file(service.name)

    def decided() -> bool:
        # Ours may have ended because another one, started at the same time, was first.
        return is_running(paths, service) or not (is_alive(pid) or is_held(path))

    wait_until(decided, READY_S)
    return is_running(paths, service)


def _tail(log: str, begin: int) -> str:
    with open(log, "rb") as handle:
        handle.seek(begin)
        said = handle.read()
    return said[-_EXCERPT:].decode("utf-8", "replace").strip() or "(nothing)"


def stop(paths: Paths, service: Service) -> None:
    """End a daemon, by force after a while; one that does not run is fine.

    Raises:
        ServiceError: it still runs.
    """
    path = paths.pid_file(service.name)
    for sig, wait in ((signal.SIGTERM, _wait_patiently), (signal.SIGKILL, _wait)):
        pid = running_pid(path)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, sig)
            # One that stands still takes no other signal, and so would never end in order.
            os.kill(pid, signal.SIGCONT)
        if wait(path, pid):
            return
    raise ServiceError(f"{service.name} does not end")


def _wait(_path: str, pid: int) -> bool:
    return wait_until(lambda: not is_alive(pid), KILL_S)


def _wait_patiently(path: str, pid: int) -> bool:
    """Wait for a daemon's end, as long as it says that it needs; whether it has ended."""
    told: tuple[float, str] | None = None
    limit = STOP_S

    def ended_or_told() -> bool:
        return not is_alive(pid) or read_status(path) not in (None, told)

    while wait_until(ended_or_told, limit):
        is_gone, news = not is_alive(pid), read_status(path)
        if news not in (None, told):
            told = news
            limit = news[0] + STOP_S
            print(news[1], file=sys.stderr)
        if is_gone:
            return True
    return False


def reopen_log(paths: Paths, service: Service) -> None:
    """Let a daemon open its log file anew; one that does not run is fine."""
    pid = running_pid(paths.pid_file(service.name))
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)


def argument_variables(service: Service) -> list[str]:
    """Names of the site's settings for a daemon; those for what it replaces count too."""
    names = [service.name, *(alias for alias, name in ALIASES.items() if name == service.name)]
    return [name.removeprefix("ganeti-").upper() + "_ARGS" for name in names]


def default_arguments(paths: Paths, service: Service) -> list[str]:
    """Arguments that the site wants, from ``/etc/default/ganeti``: ``NODED_ARGS="-d"``."""
    wanted = argument_variables(service)
    try:
        with open(f"{paths.rootdir}/etc/default/ganeti", encoding="utf-8") as handle:
            words = shlex.split(handle.read(), comments=True)
    except (OSError, ValueError):
        return []
    found = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in wanted:
            found += shlex.split(value)
    return found


def check_stopped(paths: Paths) -> None:
    """Make sure that no daemon of the node runs.

    Raises:
        ServiceError: one does; names them.
    """
    running = [service.name for service in SERVICES if is_running(paths, service)]
    if running:
        raise ServiceError(f"stop the daemons first: {', '.join(running)} still run")
