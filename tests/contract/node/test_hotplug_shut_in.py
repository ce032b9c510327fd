"""Disks for running guests whose QEMU can open none: it sees no files, or is another user."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.process import Command, ProcessError, run
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.driver import KvmHypervisor
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.node.hypervisor.kvm.users import UserPool
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec
from tests.needs import needs_root

from .qemu_guests import instance, kvm, make_image, needs_qemu, open_files
from .test_hotplug import resets

pytestmark = [
    needs_qemu,
    needs_root("can become another user"),
]

USER = {"security_model": "user", "security_domain": "nobody"}
SHUT_IN: list[dict[str, Any]] = [
    {"use_chroot": True},
    USER,
    {"security_model": "pool", "use_chroot": True},
]
POOL = ((1_234_560_001, 1_234_560_001),)


def disk(directory: Path, mode: str = "rw") -> GuestDisk:
    """One that only root may open, which makes it worth to be given."""
    path = directory / "private" / "disk"
    if not path.exists():
        path.parent.mkdir(mode=0o700)
        make_image(path)
        path.chmod(0o600)
    spec = DiskSpec(
        dev_type="file", logical_id=("loop", str(path)), size=1, uuid="a" * 32, mode=mode
    )
    return GuestDisk(spec, str(path))


@asynccontextmanager
async def running(
    directory: Path, **changes: Any
) -> AsyncIterator[tuple[KvmHypervisor, InstanceSpec]]:
    guest = instance(**changes)
    hypervisor = kvm(directory, users=UserPool(lambda: POOL))
    await hypervisor.start(guest, (), paused=False)
    yield hypervisor, guest
    await hypervisor.stop(guest, 0)


def is_open(directory: Path, path: str) -> bool:
    """Whether the guest's QEMU has it open."""
    found = process.find(KvmLayout(str(directory)).guest("web1"))
    assert found is not None
    return path in open_files(found.pid)


async def node(directory: Path) -> dict[str, Any]:
    """The only drive that the guest has, as QEMU tells. Any: JSON."""
    async with qmp_session(f"{directory}/ctrl/web1.qmp", "web1") as qmp:
        (drive,) = await qmp.execute("query-block")
    found: dict[str, Any] = drive["inserted"]
    return found


@pytest.mark.parametrize("changes", SHUT_IN)
async def test_it_gets_a_disk_and_gives_it_back(directory: Path, changes: dict[str, Any]) -> None:
    new = disk(directory)
    async with running(directory, **changes) as (hypervisor, guest):
        (done,) = await hypervisor.change_devices(guest, (new,))
        assert new.spec.uuid in done
        assert is_open(directory, new.link)
        assert not (await node(directory))["ro"]
        async with resets(directory):
            await hypervisor.change_devices(guest, ())
        assert not is_open(directory, new.link)
        assert len(await hypervisor.change_devices(guest, (new,))) == 1


@pytest.mark.parametrize("changes", SHUT_IN)
async def test_it_is_told_that_the_disk_has_grown(directory: Path, changes: dict[str, Any]) -> None:
    new = disk(directory)
    async with running(directory, **changes) as (hypervisor, guest):
        await hypervisor.change_devices(guest, (new,))
        os.truncate(new.link, 2 << 20)
        await hypervisor.change_devices(guest, (GuestDisk(new.spec, new.link, size=2 << 20),))
        assert (await node(directory))["image"]["virtual-size"] == 2 << 20


@pytest.mark.parametrize("changes", [{}, *SHUT_IN])
async def test_what_it_must_not_write_is_not_open_for_that(
    directory: Path, changes: dict[str, Any]
) -> None:
    new = disk(directory, mode="ro")
    os.chmod(new.link, 0o400)
    async with running(directory, **changes) as (hypervisor, guest):
        await hypervisor.change_devices(guest, (new,))
        assert (await node(directory))["ro"]


async def test_of_a_disk_that_qemu_refuses_nothing_stays_open(directory: Path) -> None:
    new = disk(directory)
    # A file is no block device.
    spec = DiskSpec(dev_type="plain", logical_id=("xenvg", "a"), size=1, uuid="b" * 32)
    async with running(directory, **USER) as (hypervisor, guest):
        with pytest.raises(HypervisorError, match="host_device"):
            await hypervisor.change_devices(guest, (GuestDisk(spec, new.link),))
        assert not is_open(directory, new.link)


async def attached(image: Path) -> str:
    """A loop device with ``image``, if there may be any."""
    try:
        made = await run(Command(("losetup", "--find", "--show", str(image))))
    except ProcessError as err:
        pytest.skip(f"no loop devices: {err}")
    return made.stdout.strip()


async def test_it_gets_a_block_device(directory: Path) -> None:
    image = directory / "volume"
    make_image(image)
    device = await attached(image)
    try:
        spec = DiskSpec(dev_type="plain", logical_id=("xenvg", "a"), size=1, uuid="c" * 32)
        async with running(directory, **SHUT_IN[2]) as (hypervisor, guest):
            await hypervisor.change_devices(guest, (GuestDisk(spec, device),))
            assert is_open(directory, device)
            assert (await node(directory))["image"]["virtual-size"] == 1 << 20
    finally:
        await run(Command(("losetup", "--detach", device)))
