"""The network of a Linux node: taps in bridges or switches, or routed. See ``base.Network``."""

import os
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.communication import is_communication
from pyganeti.model.errors import NetworkError
from pyganeti.node.metadata import MetadataService
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)

from . import commands, openvswitch, tap
from .base import Tap
from .interfaces import interface_number
from .script import environment

# Helpers have one address: a packet is right wherever a route to that address is.
_LOOSE: Final = "2"


class LinuxNetwork:
    """Taps and iproute2.

    Args:
        runner: runs ``ip``, ``bridge``, ``ovs-vsctl`` and the site's script.
        site_script: where the site's own script is, if it has one.
        metadata: what guests are told that communicate with their node.
    """

    def __init__(self, runner: Runner, site_script: str, metadata: MetadataService) -> None:
        self._run = runner
        self._script = site_script
        self._metadata = metadata

    async def open_tap(self, nic: NicSpec, *, queues: int, vnet_hdr: bool) -> Tap:
        """See :meth:`~.base.Network.open_tap`."""
        pattern = commands.COMMUNICATION if is_communication(nic.name) else "tap%d"
        return tap.open_tap(queues=queues, vnet_hdr=vnet_hdr, pattern=pattern)

    def close_tap(self, tap_: Tap) -> None:
        """See :meth:`~.base.Network.close_tap`."""
        tap.close_tap(tap_)

    async def connect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.connect`."""
        nic = instance.nics[index]
        what = f"nic/{index} of {instance.name}"
        if is_communication(nic.name):
            await self._communicate(instance, name, nic, what)
            return
        if self._has_script():
            await self._execute(self._script_command(instance, index, name, "up"), what)
            return
        ways = {"bridged": self._bridge, "openvswitch": self._switch, "routed": self._route}
        if nic.mode not in ways:
            raise NetworkError(f"{what}: there is no mode {nic.mode!r}")
        if nic.mode != "openvswitch" and openvswitch.is_installed():
            await self._execute(openvswitch.forget_command(name), what)
        await ways[nic.mode](name, nic, what)

    async def disconnect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.disconnect`."""
        nic = instance.nics[index]
        what = f"nic/{index} of {instance.name}"
        if is_communication(nic.name):
            await self._metadata.forget(name)
        elif self._has_script():
            await self._execute(self._script_command(instance, index, name, "down"), what)
        elif nic.mode == "openvswitch":
            await self._execute(openvswitch.forget_command(name), what)
        elif nic.mode == "routed" and nic.link:
            await self._execute(commands.rule_delete_command(name, nic), what)

    async def missing_bridges(self, bridges: tuple[str, ...]) -> tuple[str, ...]:
        """See :meth:`~.base.Network.missing_bridges`."""
        if not bridges:
            return ()
        there = commands.parse_bridges(await self._execute(commands.links_command(), "bridges"))
        return tuple(bridge for bridge in bridges if bridge not in there)

    async def make_switch(self, name: str, link: str) -> None:
        """See :meth:`~.base.Network.make_switch`."""
        what = f"switch {name!r}"
        # The database would take an interface that does not exist, and say so in a log only.
        if link and interface_number(link) is None:
            raise NetworkError(f"{what}: interface {link!r} does not exist")
        await self._execute(openvswitch.switch_command(name, link), what)

    async def addresses(self) -> frozenset[str]:
        """See :meth:`~.base.Network.addresses`."""
        text = await self._execute(commands.addresses_command(), "addresses")
        return commands.parse_addresses(text)

    async def _communicate(
        self, instance: InstanceSpec, name: str, nic: NicSpec, what: str
    ) -> None:
        """Let the guest reach the metadata daemon, and that one know the guest."""
        todo = commands.communication_commands(name, nic)
        if instance.script is not None:
            todo = commands.helper_commands(name, interface_number(name) or 0)
            _set(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", _LOOSE, what)
        for command in todo:
            await self._execute(command, what)
        await self._metadata.tell(name, instance)

    async def _bridge(self, name: str, nic: NicSpec, what: str) -> None:
        # ip's own words for this are "argument is wrong", so the bridge is looked for first.
        if await self.missing_bridges((nic.link,)):
            raise NetworkError(f"{what}: bridge {nic.link!r} does not exist")
        for command in commands.bridged_commands(name, nic):
            await self._execute(command, what)

    async def _switch(self, name: str, nic: NicSpec, what: str) -> None:
        await self._execute(openvswitch.port_command(name, nic), what)
        await self._execute(openvswitch.up_command(name), what)

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
        _set(f"/proc/sys/net/ipv{version}/conf/{name}/{key}", "1", what)


def _set(path: str, value: str, what: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as handle:
            handle.write(value)
    except OSError as err:
        raise NetworkError(f"{what}: {path}: {err.strerror}") from err
