"""Which PCI slot each disk and NIC gets. Pure.

The first ``kvm_pci_reservations`` slots are left to what QEMU places itself (chipset, graphics,
USB, balloon, SCSI controller); the rest are given out in order and written to the runtime file, so
that a device keeps its slot for the guest's life.
"""

from collections.abc import Iterable
from typing import Any, Final

from pyganeti.model.errors import HypervisorError

SLOTS: Final = 32


def bus_of(machine: str) -> str:
    """Name of the root bus of a machine type."""
    return "pcie.0" if "q35" in machine else "pci.0"


class PciSlots:
    """Slots of one guest, given out from the first free one.

    Args:
        reservations: slots left to QEMU.
        bus: the bus they are on.
        taken: slots that devices have already.
    """

    def __init__(self, reservations: int, bus: str, taken: Iterable[int] = ()) -> None:
        self._free = [slot for slot in range(reservations, SLOTS) if slot not in set(taken)]
        self._bus = bus

    def take(self, what: str) -> dict[str, str]:
        """Properties ``bus`` and ``addr`` for one more device.

        Raises:
            HypervisorError: no slot is left.
        """
        if not self._free:
            text = f"{what}: no PCI slot is left; lower kvm_pci_reservations"
            raise HypervisorError(text)
        return {"bus": self._bus, "addr": hex(self._free.pop(0))}


def taken_slots(buses: Iterable[dict[str, Any]]) -> frozenset[int]:  # Any: JSON
    """Slots of the root bus that devices have, from the answer to ``query-pci``."""
    return frozenset(
        int(device["slot"]) for bus in buses if bus["bus"] == 0 for device in bus["devices"]
    )
