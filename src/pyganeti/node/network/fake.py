"""A network in memory, for simulated nodes; held to the contract of the real one."""

from pyganeti.model.errors import NetworkError
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec

from .base import Tap


class FakeNetwork:
    """See ``Network``. ``connected`` maps an interface to ``(instance, index, link)``.

    Args:
        bridges: the bridges that exist.
        own_addresses: the addresses of the node.
        interfaces: the interfaces that a switch can be connected to.
    """

    def __init__(
        self,
        bridges: frozenset[str] = frozenset(),
        own_addresses: frozenset[str] = frozenset(),
        interfaces: frozenset[str] = frozenset(),
    ) -> None:
        self.bridges = bridges
        self.own_addresses = own_addresses
        self.interfaces = interfaces
        self.switches: dict[str, set[str]] = {}
        self.taps: set[str] = set()
        self.connected: dict[str, tuple[str, int, str]] = {}

    async def open_tap(self, nic: NicSpec, *, queues: int, vnet_hdr: bool) -> Tap:
        """See :meth:`~.base.Network.open_tap`."""
        number = 0
        while f"tap{number}" in self.taps:
            number += 1
        self.taps.add(f"tap{number}")
        return Tap(f"tap{number}", (), vnet_hdr)

    def close_tap(self, tap: Tap) -> None:
        """See :meth:`~.base.Network.close_tap`."""
        self.taps.discard(tap.name)
        self.connected.pop(tap.name, None)

    async def connect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.connect`."""
        nic = instance.nics[index]
        what = f"nic/{index} of {instance.name}"
        if nic.mode == "bridged" and nic.link not in self.bridges:
            raise NetworkError(f"{what}: bridge {nic.link!r} does not exist")
        if name not in self.taps:
            raise NetworkError(f"{what}: there is no interface {name!r}")
        self.connected[name] = (instance.name, index, nic.link)

    async def disconnect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """See :meth:`~.base.Network.disconnect`."""
        self.connected.pop(name, None)

    async def missing_bridges(self, bridges: tuple[str, ...]) -> tuple[str, ...]:
        """See :meth:`~.base.Network.missing_bridges`."""
        return tuple(bridge for bridge in bridges if bridge not in self.bridges)

    async def make_switch(self, name: str, link: str) -> None:
        """See :meth:`~.base.Network.make_switch`."""
        if link and link not in self.interfaces:
            raise NetworkError(f"switch {name!r}: interface {link!r} does not exist")
        self.switches.setdefault(name, set()).update({link} - {""})

    async def addresses(self) -> frozenset[str]:
        """See :meth:`~.base.Network.addresses`."""
        return self.own_addresses
