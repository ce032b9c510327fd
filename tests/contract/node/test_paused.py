"""Stopping guests under QEMU that stand still and so cannot hear that they are to end."""

import asyncio
from pathlib import Path

from pyganeti.kit.clock import SystemClock
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session

from .qemu_guests import instance, kvm, needs_qemu

# A guest with no system on it never hears: it would be waited for so long.
LONG_S = 100_000.0


@needs_qemu
async def test_one_that_was_started_paused_is_ended_at_once(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=True)
    async with asyncio.timeout(60):
        await hypervisor.stop(instance(), LONG_S)
    assert await hypervisor.info("web1") is None


@needs_qemu
async def test_one_that_was_paused_later_goes_on_to_end(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    qmp = KvmLayout(str(directory)).guest("web1").qmp
    async with qmp_session(qmp, "web1") as session:
        await session.execute("stop")
    stopping = asyncio.get_running_loop().create_task(hypervisor.stop(instance(), LONG_S))
    async with asyncio.timeout(60):
        while await state(qmp) != "running":
            await SystemClock().sleep(0.1)
    stopping.cancel()
    await asyncio.wait([stopping])
    await hypervisor.stop(instance(), 0)


async def state(qmp: str) -> str:
    async with qmp_session(qmp, "web1") as session:
        return str((await session.execute("query-status"))["status"])
