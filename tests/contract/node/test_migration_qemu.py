"""Migration between two QEMUs in software: what the fake cannot show."""

import asyncio
import socket
from pathlib import Path
from typing import Final

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.specs import DiskSpec

from .migrating import (
    ADDRESS,
    GENEROUS_S,
    SLOW,
    SLOW_MIB,
    Pair,
    fails,
    gone,
    slow,
    state,
    until_outgoing,
)
from .qemu_guests import kvm, left, needs_qemu

POSTCOPY: Final = {"migration_caps": "postcopy-ram"}


@needs_qemu
@pytest.mark.parametrize("live", [True, False])
async def test_a_guest_runs_there_exactly_if_it_ran_here(qemus: Pair, live: bool) -> None:
    spec = qemus.spec()
    # One that never ran is not called paused by QEMU.
    for paused, wanted in ((False, "running"), (True, "prelaunch")):
        await qemus.begin(spec, paused=paused)
        info = await kvm(qemus.here).migration.info(spec)
        assert info.running is not paused
        await qemus.send(spec, live=live)
        await qemus.finish(spec, resume=info.running)
        assert await state(qemus.there) == wanted
        await qemus.stop()


@needs_qemu
async def test_one_that_stood_still_to_be_sent_runs_on_when_it_is_not(qemus: Pair) -> None:
    spec = qemus.spec()
    await qemus.begin(spec)
    await kvm(qemus.there).stop(spec, 0)
    with pytest.raises(HypervisorError, match=r"web1: sending failed: .*refused"):
        await qemus.send(spec, live=False)
    assert await state(qemus.here) == "paused"
    await kvm(qemus.here).migration.finish_source(spec, success=False, resume=True)
    assert await state(qemus.here) == "running"
    await qemus.stop()


@needs_qemu
async def test_disks_are_let_go_and_taken_up_again(qemus: Pair) -> None:
    image = qemus.here.parent / "disk"
    image.write_bytes(bytes(1 << 20))
    disk = DiskSpec(dev_type="sharedfile", logical_id=("loop", str(image)), size=1, uuid="d" * 36)
    spec = qemus.spec(disk_cache="none")
    disks = (GuestDisk(disk, str(image)),)
    await kvm(qemus.here).start(spec, disks, paused=False)
    info = await kvm(qemus.here).migration.info(spec)
    await kvm(qemus.there).migration.accept(spec, disks, info, ADDRESS)
    await qemus.send(spec)
    await kvm(qemus.there).migration.finish_target(spec, success=True, resume=True)
    # QEMU itself keeps the one copy from the other's disk.
    with pytest.raises(HypervisorError, match="lock"):
        await kvm(qemus.here).migration.finish_source(spec, success=False, resume=True)
    await kvm(qemus.here).migration.finish_source(spec, success=True, resume=True)
    await qemus.stop()
    assert left(qemus.here) == left(qemus.there) == []


@needs_qemu
async def test_the_hypervisor_goes_on_without_a_daemon_and_is_found_again(qemus: Pair) -> None:
    spec = slow(qemus)
    await qemus.begin(spec)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(qemus.send(spec))
        await until_outgoing(qemus)
        sending.cancel()
    assert await qemus.roles() == (GuestRole.OUTGOING, GuestRole.INCOMING)
    told = await qemus.send(spec)
    assert told[-1].total >= SLOW_MIB
    assert [made.done for made in told] == sorted(made.done for made in told)
    await qemus.finish(spec)
    assert await qemus.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    await qemus.stop()


@needs_qemu
async def test_sending_can_be_cancelled(qemus: Pair) -> None:
    spec = slow(qemus)
    await qemus.begin(spec)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(fails(qemus, spec))
        await until_outgoing(qemus)
        assert await kvm(qemus.here).migration.cancel(spec) is GuestRole.RUNNING
        assert "cancelled" in await sending
    assert await state(qemus.here) == "running"
    await qemus.stop()


@needs_qemu
async def test_a_target_that_dies_costs_nothing(qemus: Pair) -> None:
    spec = slow(qemus)
    await qemus.begin(spec)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(fails(qemus, spec))
        await until_outgoing(qemus)
        qemus.kill(qemus.there)
        assert "failed" in await sending
    assert await qemus.roles() == (GuestRole.RUNNING, GuestRole.LOST)
    assert await state(qemus.here) == "running"
    await qemus.stop()


@needs_qemu
async def test_a_copy_that_ended_says_whether_it_ever_ran(qemus: Pair) -> None:
    spec = qemus.spec()
    await qemus.begin(spec)
    qemus.kill(qemus.there)
    await gone(qemus)
    assert await qemus.roles() == (GuestRole.RUNNING, GuestRole.LOST)
    await qemus.begin(spec)
    await qemus.send(spec)
    await kvm(qemus.there).migration.finish_target(spec, success=True, resume=True)
    qemus.kill(qemus.there)
    await gone(qemus)
    assert await qemus.roles() == (GuestRole.SENT, GuestRole.ABSENT)
    await qemus.stop()
    assert left(qemus.here) == left(qemus.there) == []


@needs_qemu
async def test_nothing_is_concluded_where_qemu_does_not_write(qemus: Pair) -> None:
    spec = qemus.spec()
    await qemus.begin(spec)
    written = Path(KvmLayout(str(qemus.there)).guest("web1").trace)
    await in_thread(written.write_bytes, b"")
    qemus.kill(qemus.there)
    await gone(qemus)
    assert await qemus.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await qemus.stop()


@needs_qemu
async def test_a_source_that_dies_leaves_no_half_of_a_guest(qemus: Pair) -> None:
    spec = slow(qemus)
    await qemus.begin(spec)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(fails(qemus, spec))
        await until_outgoing(qemus)
        qemus.kill(qemus.here)
        assert "web1" in await sending
    await kvm(qemus.there).migration.finish_target(spec, success=False, resume=True)
    assert await qemus.roles() == (GuestRole.ABSENT, GuestRole.ABSENT)
    await qemus.stop()
    assert left(qemus.here) == left(qemus.there) == []


@needs_qemu
async def test_a_capability_that_qemu_lacks_is_refused_by_name(qemus: Pair) -> None:
    wrong = qemus.spec(migration_caps="x-rdma-pin-all:frobnicate")
    said = r"migration_caps: 'frobnicate', expected of .*xbzrle"
    with pytest.raises(HypervisorError, match=said):
        await kvm(qemus.here).start(wrong, (), paused=False)
    # It may be so on the target only, whose QEMU is another.
    spec = qemus.spec()
    await kvm(qemus.here).start(spec, (), paused=False)
    info = await kvm(qemus.here).migration.info(spec)
    with pytest.raises(HypervisorError, match=said):
        await kvm(qemus.there).migration.accept(wrong, (), info, ADDRESS)
    assert await qemus.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    assert left(qemus.there) == []
    await qemus.stop()


@needs_qemu
@pytest.mark.parametrize("caps", ["xbzrle", "auto-converge:zero-blocks", "x-postcopy-ram"])
async def test_capabilities_hold_on_both_sides(qemus: Pair, caps: str) -> None:
    spec = qemus.spec(migration_caps=caps)
    await qemus.begin(spec)
    await qemus.send(spec)
    await qemus.finish(spec)
    assert await qemus.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    await qemus.stop()


@needs_qemu
async def test_what_runs_there_already_is_not_cancelled(qemus: Pair) -> None:
    """With postcopy the guest goes on there before the rest of its memory has come."""
    spec = msgspec.structs.replace(slow(qemus), hvparams=qemus.spec(**SLOW, **POSTCOPY).hvparams)
    await qemus.begin(spec)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(qemus.send(spec))
        await until_outgoing(qemus)
        paths = KvmLayout(str(qemus.here)).guest("web1")
        async with qmp_session(paths.qmp, "web1") as qmp:
            await qmp.execute("migrate-set-parameters", **{"max-postcopy-bandwidth": 1 << 18})
            await qmp.execute("migrate-start-postcopy")
        clock = SystemClock()
        async with asyncio.timeout(GENEROUS_S):
            while await state(qemus.there) != "running":
                await clock.sleep(0.05)
        assert await kvm(qemus.here).migration.cancel(spec) is GuestRole.SENT
        await sending
    await qemus.finish(spec)
    assert await state(qemus.there) == "running"
    await qemus.stop()


@needs_qemu
async def test_a_port_that_is_taken_is_told_and_nothing_is_left(qemus: Pair) -> None:
    with (
        socket.create_server((ADDRESS, qemus.port)),
        pytest.raises(HypervisorError, match="in use"),
    ):
        await qemus.begin(qemus.spec())
    assert left(qemus.there) == []
    await qemus.stop()
