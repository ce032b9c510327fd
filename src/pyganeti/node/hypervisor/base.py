"""What every hypervisor does for a node, and the table of hypervisors.

Handlers look the driver up by ``InstanceSpec.hypervisor``. ``tests/contract/test_hypervisor.py``
holds the drivers to the guarantees written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.struct import Params

if TYPE_CHECKING:
    from .migration import Migration


@dataclass(frozen=True, slots=True)
class GuestDisk:
    """A disk as a guest gets it.

    Attributes:
        link: the stable path of the assembled device.
        size: bytes that the device has; 0 if that is not known.
    """

    spec: DiskSpec
    link: str
    uri: str = ""
    size: int = field(default=0, compare=False)


class Hypervisor(Protocol):
    """One way to run guests; :attr:`migration` moves them to other nodes.

    Guarantees: every change may be repeated after it succeeded and then changes nothing; one that
    raises leaves nothing of what it had begun. Guests outlive the daemon, and one that is restarted
    knows them again. Different guests may be worked on concurrently; changes of one are done one
    after the other. All raise ``HypervisorError`` (``NetworkError`` for NICs) with one line.
    """

    @property
    def migration(self) -> "Migration":
        """See :class:`~.migration.Migration`."""
        ...

    async def start(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], *, paused: bool
    ) -> None:
        """Start a guest and return when it runs (or is paused, if asked for)."""
        ...

    async def stop(self, instance: InstanceSpec, timeout_s: float) -> None:
        """Ask the guest to end; after ``timeout_s`` seconds end it. When it returns it is gone."""
        ...

    async def reboot(self, instance: InstanceSpec) -> None:
        """Reset a running guest in place.

        Raises:
            HypervisorError: it does not run.
        """
        ...

    async def change_devices(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        kept: frozenset[str] = frozenset(),
    ) -> tuple[str, ...]:
        """Give a running guest the NICs and disks that ``instance`` has now, in their sizes.

        What it has already stays untouched; one that does not run is left alone. After an error
        those changed before the device that failed stay changed.

        Args:
            instance: as it is now.
            disks: of it, attached.
            kept: UUIDs of devices that stay as the guest has them, or has them not.

        Returns: what was done, a line each.
        """
        ...

    async def balloon(self, instance: InstanceSpec, memory_mib: int) -> None:
        """Let a running guest use so much of the memory it was started with.

        It gives up memory as it can, which :meth:`info` follows.

        Raises:
            HypervisorError: it does not run, or was started with less.
        """
        ...

    async def names(self) -> tuple[str, ...]:
        """Names of all guests that run, sorted."""
        ...

    async def ended(self) -> tuple[str, ...]:
        """Names of guests that were shut down from inside and not stopped since, sorted."""
        ...

    async def info(self, name: str) -> GuestInfo | None:
        """A guest that runs, or was shut down from inside and not stopped since, or ``None``."""
        ...

    async def console(self, instance: InstanceSpec) -> ConsoleInfo:
        """How to reach the guest's console."""
        ...

    async def check_params(self, hvparams: Params) -> None:
        """Check filled parameters against this node.

        Raises:
            HypervisorError: names the parameter, its value and what was expected.
        """
        ...

    async def node_info(self) -> HypervisorInfo:
        """Memory and CPUs of the node, as this hypervisor sees them."""
        ...

    async def find_fault(self, hvparams: Params) -> str | None:
        """What keeps this hypervisor from working here, or ``None``."""
        ...


class Hypervisors:
    """The hypervisors of a node by name."""

    def __init__(self, drivers: Mapping[str, Hypervisor]) -> None:
        self._drivers = dict(drivers)

    def driver(self, name: str) -> Hypervisor:
        """The driver of a hypervisor.

        Raises:
            HypervisorError: this node has none.
        """
        try:
            return self._drivers[name]
        except KeyError as err:
            text = f"hypervisor {name!r} is not supported on this node"
            raise HypervisorError(text) from err


def more_than_started(name: str, memory_mib: int, started_with: int) -> HypervisorError:
    """Why a guest cannot have so much memory before its next start."""
    text = f"{name} was started with {started_with} MiB of memory, it cannot have {memory_mib} MiB"
    return HypervisorError(text)


async def all_info(driver: Hypervisor) -> tuple[GuestInfo, ...]:
    """All guests of which :meth:`Hypervisor.info` knows; one that goes meanwhile is left out."""
    names = sorted({*await driver.names(), *await driver.ended()})
    found = [await driver.info(name) for name in names]
    return tuple(guest for guest in found if guest is not None)
