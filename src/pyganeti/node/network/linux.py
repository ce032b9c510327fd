"""The network of a Linux node: taps in bridges, or routed. See ``base.Network``."""

import os

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import NetworkError
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)

from . import commands, tap
from .base import Tap
from .script import environment


class LinuxNetwork:
    """Taps and iproute2.

    Args:
        runner: runs ``ip``, ``bridge`` and the site's script.
        site_script: where the site's own script is, if it has one.
    """

    def __init__(self, runner: Runner, site_script: str) -> None:
        self._run = runner
        self._script = site_script

    async def open_tap(self, *, queues: int, vnet_hdr: bool) -> Tap:
        """See :meth:`~.base.Network.open_tap`."""
        return tap.open_tap(queues=queues, vnet_hdr=vnet_hdr)

    def close_tap(self, tap_: Tap) -> None:
        """See :meth:`~.base.Network.close_tap`."""
        tap.close_tap(tap_)

    async def connect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.connect`."""
        nic = instance.nics[index]
        what = f"nic/{index} of {instance.name}"
        if self._has_script():
            await self._execute(self._script_command(instance, index, name, "up"), what)
        elif nic.mode == "bridged":
            await self._bridge(name, nic, what)
        elif nic.mode == "routed":
            await self._route(name, nic, what)
        else:
            text = f"{what}: mode {nic.mode!r} needs the script {self._script} on this node"
            raise NetworkError(text)

    async def disconnect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.disconnect`."""
        nic = instance.nics[index]
        what = f"nic/{index} of {instance.name}"
        if self._has_script():
            await self._execute(self._script_command(instance, index, name, "down"), what)
        elif nic.mode == "routed" and nic.link:
            await self._execute(commands.rule_delete_command(name, nic), what)

    async def missing_bridges(self, bridges: tuple[str, ...]) -> tuple[str, ...]:
        """See :meth:`~.base.Network.missing_bridges`."""
        if not bridges:
            return ()
        there = commands.parse_bridges(await self._execute(commands.links_command(), "bridges"))
        return tuple(bridge for bridge in bridges if bridge not in there)

    async def addresses(self) -> frozenset[str]:
        """See :meth:`~.base.Network.addresses`."""
        text = await self._execute(commands.addresses_command(), "addresses")
        return commands.parse_addresses(text)

    async def _bridge(self, name: str, nic: NicSpec, what: str) -> None:
        # ip's own words for this are "argument is wrong", so the bridge is looked for first.
        if await self.missing_bridges((nic.link,)):
            raise NetworkError(f"{what}: bridge {nic.link!r} does not exist")
        for command in commands.bridged_commands(name, nic):
            await self._execute(command, what)

    async def _route(self, name: str, nic: NicSpec, what: str) -> None:
        if nic.link:
            await self._execute(commands.rule_delete_command(name, nic), what)
        for command in commands.routed_commands(name, nic):
            await self._execute(command, what)
        if nic.ip is not None:
            _answer_for_others(name, 6 if ":" in nic.ip else 4, what)

    def _has_script(self) -> bool:
        return os.access(self._script, os.X_OK)

    def _script_command(
        self, instance: InstanceSpec, index: int, name: str, action: str
    ) -> Command:
        return Command((self._script,), env=environment(instance, index, name, action))

    async def _execute(self, command: Command, what: str) -> str:
        try:
            return (await self._run(command)).stdout
        except ProcessError as err:
            raise NetworkError(f"{what}: {err}") from err


def _answer_for_others(name: str, version: int, what: str) -> None:
    """Let the node answer neighbours' questions for the guest, and pass packets on."""
    proxy = "proxy_arp" if version == 4 else "proxy_ndp"
    for key in (proxy, "forwarding"):
        path = f"/proc/sys/net/ipv{version}/conf/{name}/{key}"
        try:
            with open(path, "w", encoding="ascii") as handle:
                handle.write("1")
        except OSError as err:
            raise NetworkError(f"{what}: {path}: {err.strerror}") from err
