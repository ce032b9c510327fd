"""Daemons that have service units are started by systemd, where that runs.

    daemon-util start -> this -> systemctl start -> the unit -> the daemon

A daemon that was started by hand, from a login or from another daemon, would share the life, the
limits and the log of that. Ending one needs nothing of this: a unit whose daemon ends in order is
content.
"""

import os
import shlex
from typing import Final

from pyganeti.kit.files import remove, write_atomic
from pyganeti.kit.process import Command, ProcessError, run_blocking
from pyganeti.model.errors import GenericError

_PLACES: Final = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
# Longer than any unit of ours says.
_TIMEOUT_S: Final = 600.0


class SystemdError(GenericError):
    """A unit did not start."""


def is_running(root: str = "") -> bool:
    """Whether systemd manages the services of this machine."""
    return os.path.isdir(f"{root}/run/systemd/system")


def has_unit(daemon: str, root: str = "") -> bool:
    """Whether there is a unit for ``daemon``."""
    return any(os.path.exists(f"{root}{place}/{daemon}.service") for place in _PLACES)


def extra_file(daemon: str, root: str = "") -> str:
    """Where the unit of ``daemon`` finds arguments for one start; only root writes there."""
    return f"{root}/run/pyganeti/{daemon}.env"


def start(daemon: str, args: list[str], root: str = "") -> None:
    """Start the unit of ``daemon`` and wait until the daemon is ready.

    Args:
        daemon: its name.
        args: arguments for this start only, beside those of the site.
        root: for tests, of all files.

    Raises:
        SystemdError: it did not start; says what systemd says.
    """
    path = extra_file(daemon, root)
    if args:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write_atomic(path, f"EXTRA_ARGS={shlex.quote(shlex.join(args))}\n".encode())
    try:
        # What failed too often before may be tried again by whoever asks for it.
        for action in ("reset-failed", "start"):
            codes = frozenset({0}) if action == "start" else frozenset(range(256))
            argv = ("systemctl", "--quiet", action, f"{daemon}.service")
            run_blocking(Command(argv, ok_codes=codes, timeout_s=_TIMEOUT_S))
    except ProcessError as err:
        raise SystemdError(f"cannot start {daemon}: {err}; see journalctl -u {daemon}") from err
    finally:
        if args:
            remove(path)


def last_exit_code(daemon: str) -> int | None:
    """How the daemon of a unit ended last; ``None`` where systemd does not know."""
    argv = ("systemctl", "show", "--property=ExecMainStatus", "--value", f"{daemon}.service")
    try:
        said = run_blocking(Command(argv, timeout_s=_TIMEOUT_S)).stdout.strip()
    except ProcessError:
        return None
    return int(said) if said.isdecimal() else None
