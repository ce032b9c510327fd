"""Devices that a guest releases only when nobody waits for it any more, on QEMU in software."""

import asyncio
from pathlib import Path

from pyganeti.kit.clock import SystemClock
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.specs import DiskSpec, NicSpec
from tests.contract.node.real_network import real_network
from tests.needs import skip_without_interfaces

from .migrating import ADDRESS, GENEROUS_S, Pair
from .qemu_guests import instance, kvm, make_image, needs_qemu
from .test_hotplug import resets

pytestmark = needs_qemu

NIC = NicSpec(mac="aa:00:00:01:02:03", mode="routed", uuid="n1" * 16)


def shared_disk(directory: Path, letter: str) -> GuestDisk:
    path = directory / f"disk-{letter}"
    make_image(path)
    spec = DiskSpec(dev_type="sharedfile", logical_id=("loop", str(path)), uuid=letter * 32, size=1)
    return GuestDisk(spec, str(path))


async def release(directory: Path, device: str) -> None:
    """The guest releases a device that it was asked for before; a reset makes it do so."""
    async with (
        asyncio.timeout(GENEROUS_S),
        resets(directory),
        qmp_session(f"{directory}/ctrl/web1.qmp", "web1") as qmp,
    ):
        await qmp.execute("device_del", id=device)
        while any(
            entry["name"] == device
            for entry in await qmp.execute("qom-list", path="/machine/peripheral")
        ):
            await SystemClock().sleep(0.05)


def interfaces(directory: Path) -> set[str]:
    return {path.read_text() for path in (directory / "nic" / "web1").iterdir()}


def existing() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


async def test_a_disk_released_late_does_not_keep_the_guest_from_moving(qemus: Pair) -> None:
    spec = qemus.spec()
    a, b = (shared_disk(qemus.here.parent, letter) for letter in "ab")
    await kvm(qemus.here).start(spec, (a, b), paused=False)
    await release(qemus.here, f"disk-{b.spec.uuid}")
    info = await kvm(qemus.here).migration.info(spec)
    (left,) = runtime.decode(info.guest.encode()).disks
    assert left[0].spec.uuid == a.spec.uuid
    async with qmp_session(f"{qemus.here}/ctrl/web1.qmp", "web1") as qmp:
        assert b.link not in str(await qmp.execute("query-named-block-nodes", flat=True))
    await kvm(qemus.there).migration.accept(spec, (a,), info, ADDRESS)
    await qemus.send(spec)
    await qemus.finish(spec)
    # The other one comes back as soon as it is asked for.
    (done,) = await kvm(qemus.there).change_devices(spec, (a, b))
    assert b.spec.uuid in done
    await qemus.stop()


async def test_the_interface_of_a_nic_released_late_goes_too(directory: Path) -> None:
    skip_without_interfaces()
    hypervisor = kvm(directory, real_network(directory))
    spec = instance(nics=(NIC,))
    await hypervisor.start(spec, (), paused=False)
    made = interfaces(directory)
    await release(directory, f"nic-{NIC.uuid}")
    assert made <= existing()
    info = await hypervisor.migration.info(spec)
    assert runtime.decode(info.guest.encode()).nics == ()
    assert made & existing() == set()
    await hypervisor.stop(spec, 0)


async def test_what_the_guest_has_stays_on_record(directory: Path) -> None:
    hypervisor = kvm(directory)
    a = shared_disk(directory, "a")
    await hypervisor.start(instance(), (a,), paused=False)
    before = (directory / "conf" / "web1.runtime").read_bytes()
    info = await hypervisor.migration.info(instance())
    assert info.guest.encode() == before
    await hypervisor.stop(instance(), 0)
