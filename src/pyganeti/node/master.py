"""What a node does when it becomes the master, or stops being it: address and daemons.

Around a change of the address run the node's own hooks ``master-ip-turnup`` and ``-turndown``.
"""

import ipaddress
import logging
import os
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.resolver import own_hostname
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HooksAbort, NetworkError, OpExecError
from pyganeti.node.daemons import daemons_command
from pyganeti.node.hooks import PATH, HookRunner
from pyganeti.node.network.base import Network
from pyganeti.wire.noderpc.call import FAST_S
from pyganeti.wire.noderpc.node import MasterIpParams
from pyganeti.wire.noderpc.types import HookOutcome

_IP_VERSION: Final = {2: "4", 10: "6"}
# "ip address add" of an address that is there, and "del" of one that is not.
_DONE_BEFORE: Final = frozenset({0, 2})
_HOOKS_VERSION: Final = "2"
_TURNUP: Final = ("master-ip-turnup", "OP_CLUSTER_IP_TURNUP")
_TURNDOWN: Final = ("master-ip-turndown", "OP_CLUSTER_IP_TURNDOWN")

_log = logging.getLogger(__name__)


def address_env(master: MasterIpParams) -> dict[str, str]:
    """What scripts are told of the master's address."""
    return {
        "MASTER_NETDEV": master.netdev,
        "MASTER_IP": master.ip,
        "MASTER_NETMASK": str(master.netmask),
        "CLUSTER_IP_VERSION": _IP_VERSION.get(master.ip_family, "4"),
    }


def script_command(script: str, action: str, master: MasterIpParams) -> Command:
    """Let a setup script configure (``start``) or remove (``stop``) the master's address."""
    env = {"PATH": PATH, **address_env(master)}
    return Command((script, action), env=env, timeout_s=FAST_S)


def address_command(action: str, master: MasterIpParams) -> Command:
    """Add (``add``) or remove (``del``) the master's address with ``ip``."""
    label = () if ":" in master.ip else ("label", f"{master.netdev}:0")
    place = f"{master.ip}/{master.netmask}"
    extra = label if action == "add" else ()
    argv = ("ip", "address", action, place, "dev", master.netdev, *extra)
    return Command(argv, ok_codes=_DONE_BEFORE)


class MasterRole:
    """The master's side of a node."""

    def __init__(self, paths: Paths, network: Network, hooks: HookRunner) -> None:
        self._paths = paths
        self._network = network
        self._hooks = hooks

    async def set_address(
        self, master: MasterIpParams, runner: Runner, *, active: bool, external: bool
    ) -> None:
        """Configure or remove the master's address, between its hooks.

        Raises:
            HooksAbort: a hook that runs before has failed; nothing was changed.
            NetworkError: the address could not be changed.
        """
        failed = await self._run_hooks("pre", master, runner, active=active)
        if failed:
            raise HooksAbort(failed)
        await self._set_address(master, runner, active=active, external=external)
        for node, script, output in await self._run_hooks("post", master, runner, active=active):
            _log.warning("post-hook %s on %s failed: %s", script, node, output)

    async def _run_hooks(
        self, phase: str, master: MasterIpParams, runner: Runner, *, active: bool
    ) -> list[list[str]]:
        """Run them; node, script and output of those that failed."""
        path, opcode = _TURNUP if active else _TURNDOWN
        env = {
            "HOOKS_VERSION": _HOOKS_VERSION,
            "HOOKS_PHASE": phase,
            "HOOKS_PATH": path,
            "OP_CODE": opcode,
            "CLUSTER": self._ssconf("cluster_name"),
            "MASTER": self._ssconf("master_node"),
            "DATA_DIR": self._paths.data_dir,
            **address_env(master),
        }
        prefixed = {f"GANETI_{name}": value for name, value in env.items()}
        results = await self._hooks.run(path, phase, prefixed, runner)
        node = await in_thread(own_hostname, self._paths) if results else ""
        return [
            [node, one.script, one.output] for one in results if one.outcome is HookOutcome.FAIL
        ]

    def _ssconf(self, key: str) -> str:
        return (read_bytes(self._paths.ssconf(key)) or b"").decode("utf-8", "replace").strip()

    async def _set_address(
        self, master: MasterIpParams, runner: Runner, *, active: bool, external: bool
    ) -> None:
        """Virtual nodes and loopback addresses have theirs already."""
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
