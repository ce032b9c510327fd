"""What a node does when it becomes the master, or stops being it: address and daemons."""

import ipaddress
import os
import sys
from typing import Final

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import NetworkError, OpExecError
from pyganeti.node.network.base import Network
from pyganeti.wire.noderpc.call import FAST_S
from pyganeti.wire.noderpc.node import MasterIpParams

_DAEMON_UTIL: Final = "pyganeti.tools.daemon_util"
_IP_VERSION: Final = {2: "4", 10: "6"}
# "ip address add" of an address that is there, and "del" of one that is not.
_DONE_BEFORE: Final = frozenset({0, 2})


def script_command(script: str, action: str, master: MasterIpParams) -> Command:
    """Let a setup script configure (``start``) or remove (``stop``) the master's address."""
    env = {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "MASTER_NETDEV": master.netdev,
        "MASTER_IP": master.ip,
        "MASTER_NETMASK": str(master.netmask),
        "CLUSTER_IP_VERSION": _IP_VERSION.get(master.ip_family, "4"),
    }
    return Command((script, action), env=env, timeout_s=FAST_S)


def address_command(action: str, master: MasterIpParams) -> Command:
    """Add (``add``) or remove (``del``) the master's address with ``ip``."""
    label = () if ":" in master.ip else ("label", f"{master.netdev}:0")
    place = f"{master.ip}/{master.netmask}"
    extra = label if action == "add" else ()
    argv = ("ip", "address", action, place, "dev", master.netdev, *extra)
    return Command(argv, ok_codes=_DONE_BEFORE)


def daemons_command(*words: str) -> Command:
    """Let ``daemon-util`` start or stop daemons."""
    return Command((sys.executable, "-m", _DAEMON_UTIL, *words), timeout_s=FAST_S)


class MasterRole:
    """The master's side of a node."""

    def __init__(self, paths: Paths, network: Network) -> None:
        self._paths = paths
        self._network = network

    async def set_address(
        self, master: MasterIpParams, runner: Runner, *, active: bool, external: bool
    ) -> None:
        """Configure or remove the master's address.

        Virtual nodes and loopback addresses have theirs already. Raises: NetworkError.
        """
        if self._paths.is_virtual or ipaddress.ip_address(master.ip).is_loopback:
            return
        if (master.ip in await self._network.addresses()) == active:
            return
        command = address_command("add" if active else "del", master)
        script = self._script(external)
        if external or os.access(script, os.X_OK):
            command = script_command(script, "start" if active else "stop", master)
        try:
            await runner(command)
        except ProcessError as err:
            raise NetworkError(f"master address {master.ip}: {err}") from err

    def _script(self, external: bool) -> str:
        if external:
            return f"{self._paths.conf_dir}/scripts/master-ip-setup"
        return f"{self._paths.pkglib_dir}/tools/master-ip-setup"

    async def start_daemons(self, runner: Runner, *, no_voting: bool) -> None:
        """Start the master's daemons. Raises: OpExecError."""
        if no_voting:
            words = ("start", "ganeti-masterd", "--", "--no-voting", "--yes-do-it")
            await self._daemons(daemons_command(*words), runner)
        await self._daemons(daemons_command("start-master"), runner)

    async def stop_daemons(self, runner: Runner) -> None:
        """Stop the master's daemons. Raises: OpExecError."""
        await self._daemons(daemons_command("stop-master"), runner)

    async def _daemons(self, command: Command, runner: Runner) -> None:
        try:
            await runner(command)
        except ProcessError as err:
            raise OpExecError(f"master daemons: {err}") from err
