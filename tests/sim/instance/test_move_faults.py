"""OP_INSTANCE_MOVE: what goes wrong on the way."""

from pyganeti.model.enums import AdminState
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceActivateDisks
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import failed, fails
from tests.sim.instance.make import START
from tests.sim.instance.make_moving import (
    PLAIN,
    contents,
    disks,
    files,
    fill,
    lvm,
    op,
    primary,
    running,
)


async def test_goes_on_when_the_target_was_away() -> None:
    cluster = await running()
    before = contents(cluster, "node1")
    async with cluster.held_up("node2", "block_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.nodes["node2"].restart()
        cluster.nodes["node2"].reachable = False
    await cluster.clock.sleep(60.0)
    cluster.nodes["node2"].reachable = True
    await cluster.finished(job)
    assert contents(cluster, "node2") == before


async def test_goes_on_when_the_source_lost_its_task() -> None:
    cluster = lvm()
    await cluster.run(PLAIN)
    fill(cluster)
    before = contents(cluster, "node1")
    async with cluster.held_up("node2", "block_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.nodes["node1"].restart()
    await cluster.finished(job)
    assert contents(cluster, "node2") == before
    log = cluster.log(await job)
    assert "node node1 was away, it goes on copying disk/0" in log
    # The volumes of this node happen to be of zeroes, so that only the content was sent.
    assert "- disk/0: 3 of 4 MiB were sent" in log


async def test_a_source_that_does_not_come_back_fails_it() -> None:
    cluster = files()
    async with cluster.held_up("node2", "block_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node1"].reachable = False
        error = await failed(cluster, job)
    assert "node1" in str(error)
    assert primary(cluster) == "node1"
    cluster.nodes["node1"].reachable = True
    await (await cluster.master()).leftovers.retry()
    assert disks(cluster, "node2") == []


async def test_goes_on_when_the_master_was_away() -> None:
    cluster = await running()
    before = contents(cluster, "node1")
    async with cluster.held_up("node2", "block_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.kill_master()
        await cluster.master()
    await cluster.finished(job)
    assert contents(cluster, "node2") == before
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_only_the_node_that_has_the_instance_may_write() -> None:
    cluster = files()
    async with cluster.held_up("node2", "block_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node1"].uuid = "somebody-else"
    assert "not open to node 'somebody-else'" in str(await failed(cluster, job))


async def test_a_target_that_was_started_anew_is_not_trusted() -> None:
    """What was written before its power was cut need not have reached its disk."""
    cluster = files()
    await cluster.master()
    before = cluster.footprint()
    async with cluster.held_up("node2", "transfer_sync"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.nodes["node2"].boot()
    assert "may not be complete" in str(await failed(cluster, job))
    assert cluster.footprint() == before


async def test_a_guest_that_does_not_stop_stays_unless_that_is_ignored() -> None:
    cluster = await running()
    before = cluster.footprint()
    cluster.nodes["node1"].guests.stuck.add("web1")
    await fails(cluster, op())
    assert cluster.footprint() == before
    job = cluster.submit(op(ignore_consistency=True))
    await cluster.finished(job)
    assert primary(cluster) == "node2"
    assert cluster.instance("web1").admin_state is AdminState.DOWN
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert "please make sure that it does not run on node1" in "\n".join(cluster.log(await job))


async def test_it_stays_moved_when_its_guest_cannot_start() -> None:
    cluster = await running()
    async with cluster.held_up("node2", "blockdev_assemble"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node2"].guests.put(Record("huge", 16384, 1, 0.0))
    assert "not enough memory" in str(await failed(cluster, job))
    assert primary(cluster) == "node2"
    assert disks(cluster, "node1") == []


async def test_what_a_silent_source_has_goes_when_it_is_back() -> None:
    cluster = files()
    async with cluster.held_up("node1", "blockdev_remove"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node1"].reachable = False
    await cluster.finished(job)
    assert "will be tried again" in "\n".join(cluster.log(await job))
    assert len(disks(cluster, "node1")) == 2
    cluster.nodes["node1"].reachable = True
    await (await cluster.master()).leftovers.retry()
    assert disks(cluster, "node1") == []
    assert len(disks(cluster, "node2")) == 2


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = files()
    async with cluster.instance_held("web1"):
        job = cluster.submit(op())
        await cluster.move("web1", to="node3")
    await cluster.finished(job)
    assert disks(cluster, "node3") == []
    assert primary(cluster) == "node2"


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(files, op(), may_stand=True)


async def test_unwinds_from_every_fault_point_with_a_guest() -> None:
    await assert_unwinds(files, op(), after=[START], may_stand=True)


async def test_unwinds_from_every_fault_point_with_volumes() -> None:
    active = OpInstanceActivateDisks(instance_name="web1")
    await assert_unwinds(lvm, op(), after=[PLAIN, active], may_stand=True)
