"""``daemon-util``: start, stop and check the daemons of a node.

Called by service units, the watcher, noded and people. Upstream's daemon names are understood.

Source: the sub-commands of Ganeti's helper of this name.
"""

import os
import sys
from collections.abc import Callable
from typing import Final

from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.tools import services
from pyganeti.tools.adoption import adopt
from pyganeti.tools.layout import ensure_directories
from pyganeti.tools.services import Service, ServiceError

OK: Final = 0
FAILURE: Final = 1

Action = Callable[[Paths, list[str]], int]


def _service(args: list[str]) -> Service:
    if not args:
        raise ServiceError("name a daemon")
    return services.get_service(args[0])


def check_config(paths: Paths, args: list[str]) -> int:
    """Fail where no cluster has been set up."""
    if os.path.exists(paths.server_pem):
        return OK
    print(f"missing {paths.server_pem}: this node belongs to no cluster", file=sys.stderr)
    return FAILURE


def start(paths: Paths, args: list[str]) -> int:
    """``start DAEMON [argument...]``; a word ``--`` before the arguments is dropped."""
    service = _service(args)
    adopt(paths)
    ensure_directories(paths)
    program = services.get_executable(service)
    services.start(paths, service, program, [arg for arg in args[1:] if arg != "--"])
    return OK


def stop(paths: Paths, args: list[str]) -> int:
    """``stop DAEMON``."""
    services.stop(paths, _service(args))
    return OK


def check(paths: Paths, args: list[str]) -> int:
    """``check DAEMON``: succeed if it runs."""
    return OK if services.is_running(paths, _service(args)) else FAILURE


def start_all(paths: Paths, args: list[str]) -> int:
    """Start all that belongs on this node.

    A node that was the master finds out here that it is not any more; that is no failure.
    """
    chosen = services.starting_services(master=services.is_master(paths))
    return _start_each(paths, chosen, former_master=OK)


def start_master(paths: Paths, args: list[str]) -> int:
    """Start what only the master runs."""
    chosen = [one for one in services.starting_services(master=True) if one.master]
    return _start_each(paths, chosen)


def _start_each(paths: Paths, chosen: list[Service], *, former_master: int = FAILURE) -> int:
    """Start ``chosen``; ``former_master`` is the result where the master's do not belong here."""
    if check_config(paths, []) != OK:
        return FAILURE
    adopt(paths)
    ensure_directories(paths)
    code = OK
    is_former = False
    for service in chosen:
        if service.master and is_former:
            continue
        # The others are started all the same: a node without one daemon is better than without any.
        try:
            services.start(paths, service, services.get_executable(service), [])
        except services.NotOnThisNode as err:
            print(f"this node is not the master: {err}", file=sys.stderr)
            is_former, code = True, max(code, former_master)
        except GenericError as err:
            print(err, file=sys.stderr)
            code = FAILURE
    return code


def stop_all(paths: Paths, args: list[str]) -> int:
    """Stop all that runs on this node."""
    for service in services.stopping_services():
        services.stop(paths, service)
    return OK


def stop_master(paths: Paths, args: list[str]) -> int:
    """Stop what only the master runs."""
    for service in services.stopping_services():
        if service.master:
            services.stop(paths, service)
    return OK


def check_exitcode(paths: Paths, args: list[str]) -> int:
    """``check-exitcode CODE``: whether a daemon that ended with it ended as it should."""
    return OK if args and args[0] in (str(OK), str(services.NOT_MASTER)) else FAILURE


def is_daemon_name(paths: Paths, args: list[str]) -> int:
    """``is-daemon-name NAME``."""
    return OK if args and services.find_service(args[0]) else FAILURE


def list_start(paths: Paths, args: list[str]) -> int:
    """Names in the order of starting."""
    for service in services.starting_services(master=True):
        print(service.name)
    return OK


def list_stop(paths: Paths, args: list[str]) -> int:
    """Names in the order of stopping."""
    for service in services.stopping_services():
        print(service.name)
    return OK


def daemon_executable(paths: Paths, args: list[str]) -> int:
    """Path of a daemon's program."""
    print(services.get_executable(_service(args)))
    return OK


def daemon_pidfile(paths: Paths, args: list[str]) -> int:
    """Path of a daemon's pid file."""
    print(paths.pid_file(_service(args).name))
    return OK


def rotate_logs(paths: Paths, args: list[str]) -> int:
    """``rotate-logs DAEMON``: let it open its log anew."""
    services.reopen_log(paths, _service(args))
    return OK


def rotate_all_logs(paths: Paths, args: list[str]) -> int:
    """Let all daemons open their logs anew."""
    for service in services.SERVICES:
        services.reopen_log(paths, service)
    return OK


def use_systemctl(paths: Paths, args: list[str]) -> int:
    """Whether daemons are started by systemd."""
    return OK if services.has_systemd(paths, services.get_service("ganeti-noded")) else FAILURE


ACTIONS: Final[dict[str, Action]] = {
    "check": check,
    "check-and-start": start,
    "check-config": check_config,
    "check-exitcode": check_exitcode,
    "daemon-executable": daemon_executable,
    "daemon-pidfile": daemon_pidfile,
    "is-daemon-name": is_daemon_name,
    "list-start-daemons": list_start,
    "list-stop-daemons": list_stop,
    "rotate-all-logs": rotate_all_logs,
    "rotate-logs": rotate_logs,
    "start": start,
    "start-all": start_all,
    "start-master": start_master,
    "stop": stop,
    "stop-all": stop_all,
    "stop-master": stop_master,
    "use-systemctl": use_systemctl,
}


def run(argv: list[str], paths: Paths) -> int:
    """Do what ``argv`` says and return the exit code."""
    if not argv or argv[0] not in ACTIONS:
        print(f"Usage: daemon-util <action>\nActions: {', '.join(ACTIONS)}", file=sys.stderr)
        return FAILURE
    try:
        return ACTIONS[argv[0]](paths, argv[1:])
    except (GenericError, OSError) as err:
        print(f"daemon-util {argv[0]}: {err}", file=sys.stderr)
        return FAILURE


def main() -> int:
    """Entry point."""
    return run(sys.argv[1:], Paths.from_env())


if __name__ == "__main__":
    sys.exit(main())
