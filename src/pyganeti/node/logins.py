"""Whether a node can log in on others with the cluster's key, as commands of an operator do.

    name, port -> ssh root@NAME hostname --fqdn -> the name that it gives itself

Asked of master candidates by ``gnt-cluster verify``. A virtual node has no ssh.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.ssh import ssh_command

_TIMEOUT_S: Final = 30.0
# Each is a process here and a login there.
_AT_ONCE: Final = 10


# What is wrong with logging in on a node, by name and port, or ``None``.
LogIn = Callable[[str, int], Coroutine[Any, Any, str | None]]  # Any: they yield to the loop


def hostname_command(paths: Paths, name: str, port: int) -> Command:
    """Ask a node for its name over ssh; nobody is asked for a password."""
    argv = ssh_command(paths, name, ("hostname", "--fqdn"), port=port)
    return Command(tuple(argv), timeout_s=_TIMEOUT_S)


def hostname_fault(wanted: str, said: str) -> str | None:
    """What is wrong with the name that a node gives itself, or ``None``."""
    found = said.strip()
    if found == wanted:
        return None
    if found and wanted.startswith(f"{found}."):
        return f"its hostname is not fully qualified: expected {wanted}, got {found}"
    return f"hostname mismatch: expected {wanted}, got {found[:200] or 'nothing'}"


class SshLogins:
    """Logs in for real.

    Args:
        paths: this node.
        run: runs programs.
    """

    def __init__(self, paths: Paths, run: Runner) -> None:
        self._paths = paths
        self._run = run

    async def __call__(self, name: str, port: int) -> str | None:
        """See :class:`LogIn`."""
        if self._paths.is_virtual:
            return None
        try:
            finished = await self._run(hostname_command(self._paths, name, port))
        except ProcessError as err:
            said = err.finished.stderr.strip() if err.finished else ""
            return said or str(err)
        return hostname_fault(name, finished.stdout)


async def failed_logins(log_in: LogIn, wanted: Mapping[str, int]) -> dict[str, str]:
    """What is wrong with each node on which nobody can log in, by name.

    Args:
        log_in: tries it.
        wanted: ports by name.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str, port: int) -> str | None:
        async with turns:
            return await log_in(name, port)

    async with asyncio.TaskGroup() as group:
        tests = {name: group.create_task(one(name, port)) for name, port in wanted.items()}
    answers = {name: test.result() for name, test in tests.items()}
    return {name: fault for name, fault in answers.items() if fault is not None}
