"""Guests that shut themselves down, under QEMU: told apart from those that died."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.threads import in_thread
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor, all_info
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.layout import GuestPaths, KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.guests import GuestState
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec

from .qemu_guests import instance, kvm, left, needs_qemu

pytestmark = needs_qemu

GENEROUS_S = 120
# A boot sector that waits for a byte on the serial line. "p": power off by the chipset's register,
# as an operating system does. "r": reset by the keyboard controller.
#     0: mov $0x3fd,%dx; in %dx,%al; test $1,%al; jz 0b; mov $0x3f8,%dx; in %dx,%al
#     cmp $'r',%al; je 1f; cmp $'p',%al; jne 0b
#     mov $0x604,%dx; mov $0x2000,%ax; out %ax,%dx; jmp .
#     1: mov $0xfe,%al; out %al,$0x64; jmp .
SECTOR = bytes.fromhex("bafd03eca80174f8baf803ec3c72740d3c7075ecba0406b80020efebfeb0fee664ebfe")


def paths(directory: Path) -> GuestPaths:
    return KvmLayout(str(directory)).guest("web1")


def obedient(directory: Path, **changes: Any) -> tuple[InstanceSpec, GuestDisk]:
    """A guest that does what it is told over its serial line."""
    image = directory / "disk"
    image.write_bytes(SECTOR.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    spec = DiskSpec(dev_type="file", logical_id=("loop", str(image)), size=1, uuid="d" * 36)
    changes = {"user_shutdown": True, "disk_type": "ide", **changes}
    return instance(**changes), GuestDisk(spec, str(image))


@asynccontextmanager
async def typed(directory: Path, byte: bytes) -> AsyncIterator[None]:
    """Type ``byte`` again and again, since the guest's firmware listens to nobody."""
    _reader, writer = await asyncio.open_unix_connection(paths(directory).serial)
    clock = SystemClock()

    async def typing() -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(byte)
                await writer.drain()
                await clock.sleep(0.2)

    async with asyncio.timeout(GENEROUS_S), asyncio.TaskGroup() as group:
        typist = group.create_task(typing())
        try:
            yield
        finally:
            typist.cancel()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def gone(directory: Path) -> None:
    clock = SystemClock()
    async with asyncio.timeout(GENEROUS_S):
        while process.find(paths(directory)) is not None:
            await clock.sleep(0.05)


async def powers_off(directory: Path) -> None:
    async with typed(directory, b"p"):
        await gone(directory)


async def state(hypervisor: Hypervisor) -> GuestState | None:
    """What is said of the guest, by all who say it."""
    info = await hypervisor.info("web1")
    ended = info is not None and info.state is GuestState.SHUTDOWN
    assert await hypervisor.ended() == (("web1",) if ended else ())
    assert [guest.state for guest in await all_info(hypervisor)] == ([info.state] if info else [])
    return None if info is None else info.state


@pytest.mark.parametrize(
    "changes",
    [{}, {"machine_version": "q35"}, {"use_chroot": True}, {"reboot_behavior": "exit"}],
    ids=str,
)
async def test_a_guest_that_powers_off_was_shut_down(
    directory: Path, changes: dict[str, Any]
) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory, **changes)
    await hypervisor.start(guest, (disk,), paused=False)
    assert await state(hypervisor) is GuestState.RUNNING
    await powers_off(directory)
    assert await hypervisor.names() == ()
    assert await state(hypervisor) is GuestState.SHUTDOWN
    # A daemon that was started since knows it too.
    assert await state(kvm(directory)) is GuestState.SHUTDOWN
    await hypervisor.stop(guest, 0)
    assert await state(hypervisor) is None
    assert left(directory) == ["disk"]


async def test_it_can_be_started_again(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory)
    await hypervisor.start(guest, (disk,), paused=False)
    await powers_off(directory)
    await hypervisor.start(guest, (disk,), paused=False)
    assert await state(hypervisor) is GuestState.RUNNING
    await hypervisor.stop(guest, 0)


async def killed(directory: Path, number: signal.Signals) -> None:
    found = process.find(paths(directory))
    assert found is not None
    os.kill(found.pid, number)
    await gone(directory)


async def crashes(directory: Path) -> None:
    await killed(directory, signal.SIGKILL)


async def is_ended_by_its_machine(directory: Path) -> None:
    """As a machine that goes down ends all programs."""
    await killed(directory, signal.SIGTERM)


async def is_told_to_quit(directory: Path) -> None:
    async with qmp_session(paths(directory).qmp, "web1") as qmp:
        await qmp.execute("quit")
    await gone(directory)


async def obeys_the_power_button(directory: Path) -> None:
    """As one that an administrator shuts down does; our daemon died before it was gone."""
    async with qmp_session(paths(directory).qmp, "web1") as qmp:
        await qmp.execute("system_powerdown")
    await powers_off(directory)


@pytest.mark.parametrize(
    "ends", [crashes, is_ended_by_its_machine, is_told_to_quit, obeys_the_power_button]
)
async def test_no_other_end_is_its_users(
    directory: Path, ends: Callable[[Path], Awaitable[None]]
) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory)
    await hypervisor.start(guest, (disk,), paused=False)
    await ends(directory)
    assert await state(hypervisor) is None
    await hypervisor.stop(guest, 0)
    assert left(directory) == ["disk"]


async def test_a_guest_that_only_reboots_runs_on(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory)
    await hypervisor.start(guest, (disk,), paused=False)
    async with typed(directory, b"r"):
        reader, writer = await asyncio.open_unix_connection(paths(directory).qmp)
        writer.write(b'{"execute": "qmp_capabilities"}')
        while b'"RESET"' not in await reader.readline():
            pass
        writer.close()
        await writer.wait_closed()
    assert await state(hypervisor) is GuestState.RUNNING
    await hypervisor.stop(guest, 0)


async def test_without_the_parameter_nobody_knows(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory, user_shutdown=False)
    await hypervisor.start(guest, (disk,), paused=False)
    await powers_off(directory)
    assert await state(hypervisor) is None
    await hypervisor.stop(guest, 0)


async def test_what_ganetis_daemon_wrote_counts(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory, user_shutdown=False)
    await hypervisor.start(guest, (disk,), paused=False)
    await in_thread(Path(paths(directory).shut_down).touch)
    assert await state(hypervisor) is GuestState.RUNNING
    await crashes(directory)
    assert await state(hypervisor) is GuestState.SHUTDOWN
    await hypervisor.stop(guest, 0)
    assert left(directory) == ["disk"]


async def test_a_qemu_that_outlives_its_guest_as_ganeti_starts_it(directory: Path) -> None:
    hypervisor = kvm(directory)
    guest, disk = obedient(directory, kvm_extra="-no-shutdown")
    await hypervisor.start(guest, (disk,), paused=False)
    assert await seen(hypervisor) is GuestState.RUNNING
    async with typed(directory, b"p"):
        while await seen(hypervisor) is not GuestState.SHUTDOWN:
            await SystemClock().sleep(0.1)
    await hypervisor.stop(guest, 0)
    assert left(directory) == ["disk"]


async def seen(hypervisor: Hypervisor) -> GuestState:
    info = await hypervisor.info("web1")
    assert info is not None
    return info.state
