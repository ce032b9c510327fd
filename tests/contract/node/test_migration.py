"""Guarantees of ``Migration``, on the fake and on QEMU in software, two nodes on one machine."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.node.hypervisor.fake.driver import FakeHypervisor
from pyganeti.node.hypervisor.fake.records import FileRecords
from pyganeti.node.hypervisor.host import read_host
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import qmp_session
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.types import TaskProgress
from tests.contract.node.qemu_guests import HVPARAMS, QEMU, end_guests, instance, kvm, left
from tests.ports import free_port

ADDRESS: Final = "127.0.0.1"
# At 1 MiB/s even empty memory of this size takes QEMU seconds to send.
SLOW: Final = {"migration_bandwidth": 1}
SLOW_MIB: Final = 4096
POSTCOPY: Final = {"migration_caps": "postcopy-ram"}
GENEROUS_S: Final = 60.0

needs_qemu = pytest.mark.skipif(not os.access(QEMU, os.X_OK), reason=f"{QEMU} is not installed")


@dataclass
class Pair:
    """Two nodes; ``make`` gives a driver, which is that of a restarted daemon each time."""

    make: Callable[[Path], Hypervisor]
    here: Path
    there: Path
    port: int

    def spec(self, **changes: Any) -> InstanceSpec:
        return instance(migration_port=self.port, **changes)

    async def roles(self) -> tuple[GuestRole, GuestRole]:
        """Of the copies here and there, as daemons see them that know nothing yet."""
        spec = self.spec()
        here, there = self.make(self.here).migration, self.make(self.there).migration
        return await here.role(spec), await there.role(spec)

    async def begin(self, spec: InstanceSpec, *, paused: bool = False) -> None:
        """Start the guest here, and let it be waited for there."""
        source, target = self.make(self.here), self.make(self.there)
        await source.start(spec, (), paused=paused)
        info = await source.migration.info(spec)
        await target.migration.accept(spec, (), info, ADDRESS)

    async def send(self, spec: InstanceSpec, *, live: bool = True) -> list[TaskProgress]:
        told: list[TaskProgress] = []
        source = self.make(self.here).migration
        await source.send(spec, ADDRESS, live=live, progress=told.append)
        return told

    async def finish(self, spec: InstanceSpec, *, resume: bool = True) -> None:
        await self.make(self.there).migration.finish_target(spec, success=True, resume=resume)
        await self.make(self.here).migration.finish_source(spec, success=True, resume=resume)

    async def stop(self) -> None:
        for directory in (self.here, self.there):
            await self.make(directory).stop(self.spec(), 0)

    def kill(self, directory: Path) -> None:
        """The guest's QEMU dies on one of the nodes."""
        found = process.find(KvmLayout(str(directory)).guest("web1"))
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)


def _fake(directory: Path) -> FakeHypervisor:
    return FakeHypervisor(FileRecords(str(directory)), SystemClock(), lambda: read_host(1))


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="mi"))
    yield path
    for node in ("a", "b"):
        end_guests(path / node)
    shutil.rmtree(path)


@pytest.fixture(params=["fake", "kvm"])
def pair(request: pytest.FixtureRequest, directory: Path) -> Pair:
    if request.param == "kvm" and not os.access(QEMU, os.X_OK):
        pytest.skip(f"{QEMU} is not installed")
    make = _fake if request.param == "fake" else kvm
    return Pair(make, directory / "a", directory / "b", free_port())


@pytest.fixture
def qemus(directory: Path) -> Pair:
    return Pair(kvm, directory / "a", directory / "b", free_port())


async def test_a_guest_goes_from_here_to_there_and_back(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.INCOMING)
    await pair.send(spec)
    assert (await pair.roles())[0] is GuestRole.SENT
    await pair.finish(spec)
    assert await pair.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    assert await pair.make(pair.there).names() == ("web1",)
    assert await pair.make(pair.here).names() == ()
    back = Pair(pair.make, pair.there, pair.here, pair.port)
    info = await back.make(back.here).migration.info(spec)
    await back.make(back.there).migration.accept(spec, (), info, ADDRESS)
    await back.send(spec)
    await back.finish(spec)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_each_step_may_be_repeated(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    await pair.begin(spec)
    await pair.send(spec)
    await pair.send(spec)
    await pair.finish(spec)
    await pair.finish(spec)
    assert await pair.roles() == (GuestRole.ABSENT, GuestRole.RUNNING)
    await pair.stop()


async def test_one_that_is_not_to_come_is_not_waited_for(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    assert await pair.make(pair.here).migration.cancel(spec) is GuestRole.RUNNING
    for _ in range(2):
        await pair.make(pair.there).migration.finish_target(spec, success=False, resume=True)
        await pair.make(pair.here).migration.finish_source(spec, success=False, resume=True)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_one_that_was_sent_can_go_on_when_it_did_not_arrive(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    await pair.send(spec)
    await pair.make(pair.there).stop(spec, 0)
    assert await pair.make(pair.here).migration.cancel(spec) is GuestRole.SENT
    await pair.make(pair.here).migration.finish_source(spec, success=False, resume=True)
    assert await pair.roles() == (GuestRole.RUNNING, GuestRole.ABSENT)
    await pair.stop()


async def test_a_copy_that_may_run_is_never_ended_or_replaced(pair: Pair) -> None:
    spec = pair.spec()
    await pair.begin(spec)
    source, target = pair.make(pair.here).migration, pair.make(pair.there).migration
    with pytest.raises(HypervisorError, match="may run"):
        await source.finish_source(spec, success=True, resume=True)
    await pair.send(spec)
    await target.finish_target(spec, success=True, resume=True)
    with pytest.raises(HypervisorError, match="runs on this node"):
        await target.finish_target(spec, success=False, resume=True)
    info = await target.info(spec)
    with pytest.raises(HypervisorError, match="already"):
        await target.accept(spec, (), info, ADDRESS)
    assert await pair.roles() == (GuestRole.SENT, GuestRole.RUNNING)
    await pair.stop()


async def test_one_that_is_not_here_is_neither_sent_nor_finished(pair: Pair) -> None:
    spec = pair.spec()
    migration = pair.make(pair.here).migration
    for step in (
        migration.info(spec),
        migration.send(spec, ADDRESS, live=True, progress=lambda _: None),
        migration.finish_source(spec, success=False, resume=True),
        migration.finish_target(spec, success=True, resume=True),
    ):
        with pytest.raises(HypervisorError, match="web1"):
            await step
    assert await migration.cancel(spec) is GuestRole.ABSENT


async def test_a_node_says_what_guests_find_there(pair: Pair) -> None:
    traits = await pair.make(pair.here).migration.traits(HVPARAMS)
    assert await pair.make(pair.there).migration.traits(HVPARAMS) == traits


# What only QEMU can show.


async def state(qemus: Pair, directory: Path) -> str:
    paths = KvmLayout(str(directory)).guest("web1")
    async with qmp_session(paths.qmp, "web1") as qmp:
        return str((await qmp.execute("query-status"))["status"])


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
        assert await state(qemus, qemus.there) == wanted
        await qemus.stop()


@needs_qemu
async def test_one_that_stood_still_to_be_sent_runs_on_when_it_is_not(qemus: Pair) -> None:
    spec = qemus.spec()
    await qemus.begin(spec)
    await kvm(qemus.there).stop(spec, 0)
    with pytest.raises(HypervisorError, match=r"web1: sending failed: .*refused"):
        await qemus.send(spec, live=False)
    assert await state(qemus, qemus.here) == "paused"
    await kvm(qemus.here).migration.finish_source(spec, success=False, resume=True)
    assert await state(qemus, qemus.here) == "running"
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
    assert await state(qemus, qemus.here) == "running"
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
    assert await state(qemus, qemus.here) == "running"
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
            while await state(qemus, qemus.there) != "running":
                await clock.sleep(0.05)
        assert await kvm(qemus.here).migration.cancel(spec) is GuestRole.SENT
        await sending
    await qemus.finish(spec)
    assert await state(qemus, qemus.there) == "running"
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


def slow(qemus: Pair) -> InstanceSpec:
    """A guest that takes seconds to send."""
    beparams = {"maxmem": SLOW_MIB, "vcpus": 1}
    return msgspec.structs.replace(qemus.spec(**SLOW), beparams=beparams)


async def gone(qemus: Pair) -> None:
    """Until the target's QEMU, which was killed, is gone."""
    clock = SystemClock()
    async with asyncio.timeout(GENEROUS_S):
        while process.find(KvmLayout(str(qemus.there)).guest("web1")) is not None:
            await clock.sleep(0.01)


async def until_outgoing(qemus: Pair) -> None:
    clock = SystemClock()
    async with asyncio.timeout(GENEROUS_S):
        while (await qemus.roles())[0] is not GuestRole.OUTGOING:
            await clock.sleep(0.05)


async def fails(qemus: Pair, spec: InstanceSpec) -> str:
    with pytest.raises(HypervisorError) as failed:
        await qemus.send(spec)
    return str(failed.value)
