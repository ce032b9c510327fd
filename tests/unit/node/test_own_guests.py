"""A node that ends what runs on it."""

import pytest

from pyganeti.kit.clock import LoopClock
from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import Hypervisors
from pyganeti.node.hypervisor.fake.driver import FakeHypervisor
from pyganeti.node.hypervisor.fake.records import MemoryRecords, Record
from pyganeti.node.own_guests import end_devices, end_guests
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork, SimDevice
from pyganeti.wire.noderpc.guests import HypervisorInfo
from pyganeti.wire.noderpc.specs import InstanceSpec


class Stubborn(FakeHypervisor):
    """One guest of it does not end."""

    async def stop(self, instance: InstanceSpec, timeout_s: float) -> None:
        """See :meth:`FakeHypervisor.stop`."""
        assert timeout_s == 0.0
        if instance.name == "web1":
            raise HypervisorError("web1 still runs")
        await super().stop(instance, timeout_s)


def machine(kind: type[FakeHypervisor]) -> tuple[Hypervisors, MemoryRecords]:
    """A node on which ``web1`` and ``web2`` run."""
    records = MemoryRecords()
    for name in ("web1", "web2"):
        records.put(Record(name, 128, 1, 0.0))
    nothing = HypervisorInfo(memory_total=0, memory_free=0, memory_dom0=0, cpu_total=0)
    return Hypervisors({"fake": kind(records, LoopClock(0.0), lambda: nothing)}), records


def devices(*minors: int) -> SimDrbd:
    made = SimDrbd(DrbdNetwork(LoopClock(0.0)), set())
    made.devices.update({minor: SimDevice(minor) for minor in minors})
    return made


async def test_all_guests_are_ended() -> None:
    hypervisors, records = machine(FakeHypervisor)
    assert await end_guests(hypervisors, ("fake",))
    assert list(records.names()) == []
    assert await end_guests(hypervisors, ("fake",))


async def test_one_that_does_not_end_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    hypervisors, records = machine(Stubborn)
    assert not await end_guests(hypervisors, ("fake",))
    assert list(records.names()) == ["web1"]
    assert "web1 could not be ended: web1 still runs" in caplog.text


async def test_a_hypervisor_that_is_not_here_keeps_no_other() -> None:
    hypervisors, records = machine(FakeHypervisor)
    assert not await end_guests(hypervisors, ("xen-pvm", "fake"))
    assert list(records.names()) == []


async def test_all_devices_are_taken_down() -> None:
    kernel = devices(0, 7)
    assert await end_devices(Drbd(kernel, kernel))
    assert kernel.devices == {}
    assert await end_devices(Drbd(kernel, kernel))


async def test_a_device_in_use_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    kernel = devices(0, 7)
    kernel.devices[0].primary = True
    kernel.opened.add(0)
    assert not await end_devices(Drbd(kernel, kernel))
    assert list(kernel.devices) == [0]
    assert "DRBD device 0 could not be taken down" in caplog.text


async def test_a_node_without_drbd_has_none() -> None:
    async def missing(command: Command) -> Finished:
        raise ProcessError(command, "not found")

    assert await end_devices(Drbd(missing, devices()))
