"""What a node does for the NICs of its guests.

Hypervisor drivers call it: :meth:`Network.open_taps` before a guest starts, :meth:`Network.connect`
once the interface's name is known, :meth:`Network.disconnect` after the guest is gone.
``tests/contract/test_network.py`` holds the real one and the fake to the same guarantees.
"""

from dataclasses import dataclass
from typing import Protocol

from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec


@dataclass(frozen=True, slots=True)
class Tap:
    """An interface that lives as long as somebody holds one of its queues open.

    Attributes:
        name: as the kernel chose it.
        fds: one open file a queue, inherited by the guest's process.
        vnet_hdr: whether packets carry a virtio header.
    """

    name: str
    fds: tuple[int, ...]
    vnet_hdr: bool


class Network(Protocol):
    """The node's network.

    Guarantees: a tap that was opened and never inherited is gone once it is closed or this process
    ends, so a crash leaks none. All raise ``NetworkError`` with one line.
    """

    async def open_tap(self, nic: NicSpec, *, queues: int, vnet_hdr: bool) -> Tap:
        """Make an interface for a NIC, which nobody else has."""
        ...

    def close_tap(self, tap: Tap) -> None:
        """Close our hold on it: it vanishes, unless a guest inherited it."""
        ...

    async def connect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """Connect interface ``name`` as NIC ``index`` of ``instance`` says; may be repeated."""
        ...

    async def disconnect(self, instance: InstanceSpec, index: int, name: str) -> None:
        """Undo :meth:`connect` as far as it outlives the interface; a missing one is a success."""
        ...

    async def missing_bridges(self, bridges: tuple[str, ...]) -> tuple[str, ...]:
        """Those of ``bridges`` that do not exist here."""
        ...

    async def make_switch(self, name: str, link: str) -> None:
        """Make the switch ``name`` with the interface ``link``, or none; may be repeated."""
        ...

    async def addresses(self) -> frozenset[str]:
        """All IP addresses configured on the node, without prefix length."""
        ...
