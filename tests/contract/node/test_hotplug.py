"""Guarantees of ``Hypervisor.change_devices``, on the fake and on QEMU in software."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import Command, run
from pyganeti.model.errors import HypervisorError, NetworkError
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.node.network.linux import LinuxNetwork
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
    NicSpec,
)
from tests.contract.node.real_network import real_network
from tests.needs import skip_without_interfaces

from .qemu_guests import driver, instance, kvm, left, make_image, needs_qemu

NIC = NicSpec(mac="aa:00:00:01:02:03", mode="routed", uuid="n1" * 16)


@pytest.fixture(params=["fake", "kvm"])
def hypervisor(request: pytest.FixtureRequest, directory: Path) -> Hypervisor:
    return driver(request.param, directory)


def disk(directory: Path, letter: str) -> GuestDisk:
    path = directory / f"disk-{letter}"
    if not path.exists():
        make_image(path)
    spec = DiskSpec(dev_type="file", logical_id=("loop", str(path)), size=1, uuid=letter * 32)
    return GuestDisk(spec, str(path))


@asynccontextmanager
async def resets(directory: Path) -> AsyncIterator[None]:
    """Reset the guest again and again: with that it releases devices, which else an operating
    system does."""

    async def reset() -> None:
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(f"{directory}/ctrl/web1.monitor")
                writer.write(b"system_reset\n")
                await writer.drain()
                writer.close()
            except OSError:
                pass  # it is the fake, which has none
            await SystemClock().sleep(0.2)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(reset())
        yield
        task.cancel()


def recorded(directory: Path) -> runtime.Runtime:
    return runtime.decode((directory / "conf" / "web1.runtime").read_bytes())


async def test_plugs_what_is_new_once(hypervisor: Hypervisor, directory: Path) -> None:
    a, b = disk(directory, "a"), disk(directory, "b")
    await hypervisor.start(instance(), (a,), paused=False)
    (done,) = await hypervisor.change_devices(instance(), (a, b))
    assert b.spec.uuid in done
    assert await hypervisor.change_devices(instance(), (a, b)) == ()
    await hypervisor.stop(instance(), 0)


async def test_unplugs_what_the_instance_has_not_any_more(
    hypervisor: Hypervisor, directory: Path
) -> None:
    a, b = disk(directory, "a"), disk(directory, "b")
    await hypervisor.start(instance(), (a, b), paused=False)
    async with resets(directory):
        (done,) = await hypervisor.change_devices(instance(), (b,))
    assert a.spec.uuid in done
    assert await hypervisor.change_devices(instance(), (b,)) == ()
    # It can come back.
    (done,) = await hypervisor.change_devices(instance(), (a, b))
    assert a.spec.uuid in done
    await hypervisor.stop(instance(), 0)


async def test_leaves_alone_what_is_to_stay_as_it_is(
    hypervisor: Hypervisor, directory: Path
) -> None:
    a, b, c = (disk(directory, letter) for letter in "abc")
    await hypervisor.start(instance(), (a,), paused=False)
    kept = frozenset({a.spec.uuid, b.spec.uuid})
    (done,) = await hypervisor.change_devices(instance(), (a, b, c), kept)
    assert c.spec.uuid in done
    # Asked for itself it comes, and what the guest has stays all the while.
    (done,) = await hypervisor.change_devices(instance(), (a, b, c))
    assert b.spec.uuid in done
    await hypervisor.stop(instance(), 0)


async def test_a_guest_that_does_not_run_is_left_alone(
    hypervisor: Hypervisor, directory: Path
) -> None:
    assert await hypervisor.change_devices(instance(), (disk(directory, "a"),)) == ()
    assert await hypervisor.names() == ()


# What only QEMU can show.


async def devices(directory: Path) -> dict[str, Any]:
    """Slots of PCI devices by id, as QEMU tells."""
    async with qmp_session(f"{directory}/ctrl/web1.qmp", "web1") as qmp:
        buses = await qmp.execute("query-pci")
    return {one["qdev_id"]: one["slot"] for bus in buses for one in bus["devices"]}


@needs_qemu
async def test_a_new_device_gets_a_slot_that_is_free_and_keeps_it(directory: Path) -> None:
    a, b, c = (disk(directory, letter) for letter in "abc")
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (a, b), paused=False)
    async with resets(directory):
        await hypervisor.change_devices(instance(), (b,))
    before = await devices(directory)
    await hypervisor.change_devices(instance(), (c, b))
    after = await devices(directory)
    assert after.items() >= before.items()
    new = f"disk-{c.spec.uuid}"
    found = recorded(directory)
    assert [one.spec.uuid for one, _ in found.disks] == [c.spec.uuid, b.spec.uuid]
    assert int(found.disks[0][1]["addr"], 16) == after[new]
    assert after[new] not in before.values()
    await hypervisor.stop(instance(), 0)
    assert left(directory) == ["disk-a", "disk-b", "disk-c"]


@needs_qemu
@pytest.mark.parametrize("controller", ["lsi", "virtio-scsi-pci"])
async def test_plugs_scsi_disks_at_free_ids(directory: Path, controller: str) -> None:
    a, b, c = (disk(directory, letter) for letter in "abc")
    guest = instance(disk_type="scsi-hd", scsi_controller_type=controller)
    hypervisor = kvm(directory)
    await hypervisor.start(guest, (a, b), paused=False)
    await hypervisor.change_devices(guest, (a, b, c))
    assert [info["scsi-id"] for _, info in recorded(directory).disks] == [0, 1, 2]
    await hypervisor.stop(guest, 0)


@needs_qemu
async def test_a_kind_of_disk_that_cannot_be_plugged_is_refused(directory: Path) -> None:
    a, b = disk(directory, "a"), disk(directory, "b")
    guest = instance(disk_type="ide")
    hypervisor = kvm(directory)
    await hypervisor.start(guest, (a,), paused=False)
    before = recorded(directory)
    with pytest.raises(HypervisorError, match="hotplug"):
        await hypervisor.change_devices(guest, (a, b))
    assert recorded(directory) == before
    await hypervisor.stop(guest, 0)


@needs_qemu
async def test_new_links_are_recorded_for_disks_that_stay(directory: Path) -> None:
    a, b = disk(directory, "a"), disk(directory, "b")
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (a, b), paused=False)
    link = directory / "web1:1"
    link.symlink_to(a.link)
    await hypervisor.change_devices(instance(), (b, GuestDisk(a.spec, str(link))))
    found = recorded(directory).disks
    assert [(one.spec.uuid, one.link) for one, _ in found] == [
        (b.spec.uuid, b.link),
        (a.spec.uuid, str(link)),
    ]
    await hypervisor.stop(instance(), 0)


@needs_qemu
async def test_a_disk_that_has_grown_is_larger_for_the_guest(directory: Path) -> None:
    a = disk(directory, "a")
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (a,), paused=False)
    os.truncate(a.link, 2 << 20)
    grown = GuestDisk(a.spec, a.link, size=2 << 20)
    (done,) = await hypervisor.change_devices(instance(), (grown,))
    assert a.spec.uuid in done
    async with qmp_session(f"{directory}/ctrl/web1.qmp", "web1") as qmp:
        (drive,) = await qmp.execute("query-block")
    assert drive["inserted"]["image"]["virtual-size"] == 2 << 20
    assert await hypervisor.change_devices(instance(), (grown,)) == ()
    await hypervisor.stop(instance(), 0)


@needs_qemu
async def test_of_a_disk_that_cannot_be_plugged_nothing_is_left(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    before = (await devices(directory), recorded(directory))
    spec = DiskSpec(dev_type="file", logical_id=("loop", "/no/disk"), size=1, uuid="f" * 32)
    with pytest.raises(HypervisorError, match="/no/disk"):
        await hypervisor.change_devices(instance(), (GuestDisk(spec, "/no/disk"),))
    assert (await devices(directory), recorded(directory)) == before
    await hypervisor.stop(instance(), 0)


@needs_qemu
async def test_a_change_that_stopped_half_way_is_completed(directory: Path) -> None:
    """The daemon died after it wrote the record, or after QEMU got the backend."""
    a = disk(directory, "a")
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.change_devices(instance(), (a,))
    async with resets(directory), qmp_session(f"{directory}/ctrl/web1.qmp", "web1") as qmp:
        await qmp.execute("device_del", id=f"disk-{a.spec.uuid}")
        while f"disk-{a.spec.uuid}" in json.dumps(
            await qmp.execute("qom-list", path="/machine/peripheral")
        ):
            await SystemClock().sleep(0.05)
    (done,) = await kvm(directory).change_devices(instance(), (a,))
    assert a.spec.uuid in done
    assert f"disk-{a.spec.uuid}" in await devices(directory)
    await hypervisor.stop(instance(), 0)


@pytest.fixture
def network(directory: Path) -> LinuxNetwork:
    skip_without_interfaces()
    return real_network(directory)


def with_nics(*nics: NicSpec, **changes: Any) -> InstanceSpec:
    return instance(nics=nics, **changes)


async def exists(interface: str) -> bool:
    show = Command(("ip", "link", "show", "dev", interface), ok_codes=frozenset({0, 1}))
    return (await run(show)).code == 0


def interface(directory: Path, key: str) -> str:
    return (directory / "nic" / "web1" / key).read_text()


@needs_qemu
@pytest.mark.parametrize("queues", [1, 2])
async def test_plugs_changes_and_unplugs_nics(
    directory: Path, network: LinuxNetwork, queues: int
) -> None:
    other = NicSpec(mac="aa:00:00:01:02:04", mode="routed", uuid="n2" * 16)
    hypervisor = kvm(directory, network)
    many = {"virtio_net_queues": queues}
    await hypervisor.start(with_nics(NIC, **many), (), paused=False)
    await hypervisor.change_devices(with_nics(NIC, other, **many), ())
    first, second = interface(directory, "0"), interface(directory, "1")
    assert interface(directory, other.uuid) == second
    assert await exists(second)
    changed = NicSpec(mac="aa:00:00:01:02:05", mode="routed", uuid=other.uuid)
    async with resets(directory):
        done = await hypervisor.change_devices(with_nics(NIC, changed, **many), ())
        assert len(done) == 2
        await hypervisor.change_devices(with_nics(changed, **many), ())
    assert not await exists(first)
    assert interface(directory, "0") == interface(directory, changed.uuid)
    assert not (directory / "nic" / "web1" / "1").exists()
    assert [nic.mac for nic, _ in recorded(directory).nics] == [changed.mac]
    name = interface(directory, "0")
    await hypervisor.stop(with_nics(changed, **many), 0)
    assert not await exists(name)
    assert left(directory) == []


@needs_qemu
async def test_of_a_nic_that_cannot_be_connected_nothing_is_left(
    directory: Path, network: LinuxNetwork
) -> None:
    hypervisor = kvm(directory, network)
    await hypervisor.start(instance(), (), paused=False)
    before = recorded(directory)
    nic = NicSpec(mac="aa:00:00:01:02:06", mode="bridged", link="no-such-br", uuid="n3" * 16)
    with pytest.raises(NetworkError):
        await hypervisor.change_devices(with_nics(nic), ())
    assert recorded(directory) == before
    assert not list((directory / "nic" / "web1").iterdir())
    await hypervisor.stop(instance(), 0)
