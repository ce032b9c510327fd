"""Commands on other hosts over the system's OpenSSH client. Builds command lines only; pure.

Source: gnt-node(8) ADD; gnt-cluster(8) COMMAND, COPYFILE; the cluster's known_hosts file.
"""

import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pyganeti.kit.paths import Paths

CONNECT_TIMEOUT_S: Final = 10
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _options(
    paths: Paths, *, ask: bool, check_key: bool, more: Mapping[str, str] = _NONE
) -> list[str]:
    options = {
        "ConnectTimeout": str(CONNECT_TIMEOUT_S),
        # What it notes down is of no interest; why it fails is, and should stand alone.
        "LogLevel": "ERROR",
        "GlobalKnownHostsFile": paths.known_hosts,
        "BatchMode": "no" if ask else "yes",
        "StrictHostKeyChecking": ("ask" if ask else "yes") if check_key else "no",
    }
    if not check_key:
        # A key that is not checked must not be remembered as if it had been; and next to one that
        # is known, of before the machine was installed anew, ssh would not take a password.
        options |= dict.fromkeys(("UserKnownHostsFile", "GlobalKnownHostsFile"), "/dev/null")
    return [f"-o{key}={value}" for key, value in {**options, **more}.items()]


def ssh_command(
    paths: Paths,
    host: str,
    command: Sequence[str],
    *,
    user: str = "root",
    port: int = 22,
    tty: bool = False,
    ask: bool = False,
    check_key: bool = True,
    more: Mapping[str, str] = _NONE,
) -> list[str]:
    """Run ``command`` on ``host``.

    Args:
        paths: this node, for the cluster's known_hosts.
        host: name or address.
        command: program and arguments; quoted for the remote shell.
        user: remote user.
        port: of the remote ssh daemon.
        tty: give it a terminal, with no escape character in the way.
        ask: let ssh ask for a password and show an unknown host key.
        check_key: refuse an unknown host key (or ask).
        more: options of ssh_config(5), instead of those that are meant otherwise.
    """
    argv = ["ssh", "-oEscapeChar=none", "-q"] if tty else ["ssh"]
    argv += [*_options(paths, ask=ask, check_key=check_key, more=more), f"-p{port}"]
    argv += ["-t"] if tty else []
    return [*argv, f"{user}@{host}", shlex.join(command)]


def scp_command(
    paths: Paths, host: str, source: str, target: str, *, user: str = "root", port: int = 22
) -> list[str]:
    """Copy the file ``source`` to ``target`` on ``host``, keeping mode and times."""
    options = _options(paths, ask=False, check_key=True)
    return ["scp", "-p", *options, f"-P{port}", "--", source, f"{user}@[{host}]:{target}"]
