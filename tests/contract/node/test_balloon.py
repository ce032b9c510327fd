"""Memory of running guests, on the fake and on QEMU."""

import asyncio
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import Hypervisor
from pyganeti.node.hypervisor.kvm import balloon
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.process import GuestProcess
from pyganeti.node.hypervisor.kvm.qmp import qmp_session

from .qemu_guests import driver, instance, kvm, left, needs_qemu


@pytest.fixture(params=["fake", "kvm"])
def hypervisor(request: pytest.FixtureRequest, directory: Path) -> Hypervisor:
    return driver(request.param, directory)


async def memory_of(hypervisor: Hypervisor) -> int:
    info = await hypervisor.info("web1")
    assert info is not None
    return info.memory


async def test_it_may_be_told_again(hypervisor: Hypervisor) -> None:
    await hypervisor.start(instance(), (), paused=False)
    for memory in (16, 16, 32):
        await hypervisor.balloon(instance(), memory)
    info = await hypervisor.info("web1")
    assert info is not None
    assert info.memory == 32
    await hypervisor.stop(instance(), 0)


async def test_no_more_than_it_was_started_with(hypervisor: Hypervisor) -> None:
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.balloon(instance(), 16)
    with pytest.raises(HypervisorError, match=r"web1 was started with 32 MiB .* cannot have 33"):
        await hypervisor.balloon(instance(), 33)
    await hypervisor.stop(instance(), 0)


async def test_one_that_stands_still_gives_up_nothing(hypervisor: Hypervisor) -> None:
    await hypervisor.start(instance(), (), paused=True)
    await hypervisor.balloon(instance(), 16)
    assert await memory_of(hypervisor) == 32
    await hypervisor.stop(instance(), 0)


async def test_one_that_does_not_run_has_none(hypervisor: Hypervisor) -> None:
    with pytest.raises(HypervisorError, match="web1 does not run"):
        await hypervisor.balloon(instance(), 16)


# What only QEMU can show. Its guests here have no operating system, so they give up nothing.


@needs_qemu
async def test_what_is_shown_is_what_the_guest_has(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.balloon(instance(), 16)
    assert await memory_of(hypervisor) == 32
    await hypervisor.stop(instance(), 0)
    assert left(directory) == []


@needs_qemu
async def test_while_somebody_talks_to_qemu_it_is_what_the_guest_was_told(directory: Path) -> None:
    hypervisor = kvm(directory)
    await hypervisor.start(instance(), (), paused=False)
    await hypervisor.balloon(instance(), 16)
    paths = KvmLayout(str(directory)).guest("web1")
    async with asyncio.TaskGroup() as group, qmp_session(paths.qmp, "web1"):
        assert await memory_of(hypervisor) == 16
        # Who wants to change it waits for its turn.
        change = group.create_task(hypervisor.balloon(instance(), 20))
        await SystemClock().sleep(0.2)
        assert not change.done()
    assert await memory_of(hypervisor) == 32
    await hypervisor.stop(instance(), 0)


async def test_a_guest_that_was_never_told_is_not_asked(directory: Path) -> None:
    paths = KvmLayout(str(directory)).guest("web1")
    busy = GuestProcess(1, ("qemu", "-m", "64"))
    assert await balloon.memory_of("web1", busy, paths) == 64
