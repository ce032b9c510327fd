"""What simulated DRBD kernels have in common: devices, and the network between them."""

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from pyganeti.kit.clock import Clock

if TYPE_CHECKING:
    from pyganeti.testing.drbd import SimDrbd


@dataclass(slots=True)
class Metadata:
    """What a metadata volume remembers.

    Attributes:
        generation: of the content; 0 was never written.
        past: older ones.
        good: the content is whole; it is not while it is being synced.
        size: of the device, in KiB, when it was last attached; a good one does not shrink.
    """

    generation: int = 0
    past: frozenset[int] = frozenset()
    good: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A configured connection."""

    local: str
    remote: str
    secret: str
    two_primaries: bool = False


@dataclass(slots=True)
class SimDevice:
    """A device of a kernel; sizes in KiB."""

    minor: int
    data: str = ""
    meta: str = ""
    size: int = 0
    primary: bool = False
    link: Link | None = None
    peer: "SimDevice | None" = None
    source: "SimDevice | None" = None
    synced_at: float = 0.0


@dataclass(slots=True)
class DrbdNetwork:
    """Which kernels reach each other.

    Attributes:
        sync_s: how long a sync takes.
        cut: replication addresses that are cut off.
    """

    clock: Clock
    sync_s: float = 0.0
    kernels: list["SimDrbd"] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    generations: "count[int]" = field(default_factory=lambda: count(1))

    def settle(self) -> None:
        """Let connections come and go, and syncs end."""
        now = self.clock.monotonic()
        devices = [(kernel, one) for kernel in self.kernels for one in kernel.devices.values()]
        for kernel, one in devices:
            if one.source is not None and now >= one.synced_at:
                kernel.finish_sync(one)
        for kernel, one in devices:
            found = self._peer_of(one)
            if found is not one.peer:
                kernel.peer_changed(one, found)
        for kernel, one in devices:
            kernel.compare(one)

    def _peer_of(self, one: SimDevice) -> SimDevice | None:
        link = one.link
        if link is None or self._is_cut(link.local) or self._is_cut(link.remote):
            return None
        for kernel in self.kernels:
            for other in kernel.devices.values():
                back = other.link
                if back is not None and (back.local, back.remote, back.secret) == (
                    link.remote,
                    link.local,
                    link.secret,
                ):
                    return other
        return None

    def _is_cut(self, end: str) -> bool:
        return any(f":{address}:" in end for address in self.cut)
