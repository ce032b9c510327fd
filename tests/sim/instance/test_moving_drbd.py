"""OP_INSTANCE_FAILOVER and OP_INSTANCE_MIGRATE with mirrored disks: who may write, and when."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from pyganeti.wire.noderpc.guests import GuestRole
from tests.sim.asserting import assert_refused, changes, failed
from tests.sim.instance.make_drbd import BOTH, NONE, cut, drbd, mirrored, roles

FAILOVER = OpInstanceFailover(instance_name="web1")
MIGRATE = OpInstanceMigrate(instance_name="web1")
STOP = OpInstanceShutdown(instance_name="web1", timeout=0)
START = OpInstanceStartup(instance_name="web1")
# As before, on the other node.
MOVED = {"node1": [("UpToDate", False)], "node2": [("UpToDate", True)], "node3": []}
DUAL = {"node1": [("UpToDate", True)], "node2": [("UpToDate", True)], "node3": []}


async def running(pnode: str = "node1", snode: str = "node2") -> SimCluster:
    cluster = drbd()
    await cluster.run(mirrored(pnode=pnode, snode=snode))
    cluster.rpc_changes.clear()
    return cluster


def primary(cluster: SimCluster) -> str:
    return cluster.view.node(cluster.instance("web1").primary_node).name


def secondaries(cluster: SimCluster) -> list[str]:
    return [node.name for node in cluster.view.secondary_nodes(cluster.instance("web1"))]


async def test_a_failover_turns_the_pair_around() -> None:
    cluster = await running()
    await cluster.run(FAILOVER)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert (primary(cluster), secondaries(cluster)) == ("node2", ["node1"])
    assert roles(cluster) == MOVED
    await cluster.run(FAILOVER)
    assert roles(cluster) == BOTH
    assert primary(cluster) == "node1"


def links(cluster: SimCluster) -> set[str]:
    return {path for path in cluster.footprint() if "/links/" in path}


async def test_the_pair_stays_together_while_the_guest_goes_over() -> None:
    cluster = await running()
    await cluster.run(FAILOVER)
    assert [change for change in changes(cluster) if change[1].startswith("blockdev")] == [
        ("node1", "blockdev_close"),
        ("node1", "blockdev_assemble"),
        ("node2", "blockdev_assemble"),
    ]


@pytest.mark.parametrize("op", [FAILOVER, MIGRATE])
async def test_only_the_primary_node_has_links(op: Opcode) -> None:
    cluster = await running()
    assert links(cluster) == {"node1/links/web1:0"}
    await cluster.run(op)
    assert links(cluster) == {"node2/links/web1:0"}


async def test_one_that_is_down_fails_over_without_its_disks() -> None:
    cluster = await running()
    await cluster.run(STOP)
    job = cluster.submit(FAILOVER)
    await cluster.finished(job)
    assert primary(cluster) == "node2"
    assert roles(cluster) == NONE
    text = "* not checking disk consistency as instance is not running"
    assert text in cluster.log(await job)
    await cluster.run(START)
    assert roles(cluster) == MOVED


async def test_the_other_node_is_the_target_and_no_third() -> None:
    cluster = await running()
    op = OpInstanceFailover(instance_name="web1", target_node="node3")
    await assert_refused(cluster, op, ECode.INVAL, "node2", "node3", "replace-disks")
    await cluster.run(OpInstanceFailover(instance_name="web1", target_node="node2"))
    assert primary(cluster) == "node2"


async def test_a_failover_from_a_dead_node_uses_what_is_there() -> None:
    cluster = await running(pnode="node2", snode="node1")
    cut(cluster, "node2")
    await cluster.mark_node("node2", offline=True)
    await cluster.run(FAILOVER)
    assert primary(cluster) == "node1"
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert roles(cluster)["node1"] == [("UpToDate", True)]


async def test_a_failover_from_a_silent_node_comes_back_as_its_secondary() -> None:
    cluster = await running(pnode="node2", snode="node1")
    cut(cluster, "node2")
    await cluster.run(OpInstanceFailover(instance_name="web1", ignore_consistency=True))
    assert primary(cluster) == "node1"
    cluster.nodes["node2"].reachable = True
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert roles(cluster) == {
        "node1": [("UpToDate", True)],
        "node2": [("UpToDate", False)],
        "node3": [],
    }
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_target_that_is_out_of_date_is_refused_unless_accepted() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 1000.0
    await cluster.run(mirrored(wait_for_sync=False))
    await assert_refused(cluster, FAILOVER, ECode.STATE, "degraded", "--ignore-consistency")
    await assert_refused(cluster, MIGRATE, ECode.STATE, "degraded on target node node2")


async def test_a_target_that_misses_writes_is_not_migrated_to() -> None:
    cluster = await running()
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    cluster.replication.settle()
    await assert_refused(cluster, MIGRATE, ECode.STATE, "not connected on target node node2")


async def test_a_target_that_misses_writes_is_not_failed_over_to_unless_accepted() -> None:
    cluster = await running()
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    cluster.replication.settle()
    said = ("not connected on target node node2", "--ignore-consistency")
    await assert_refused(cluster, FAILOVER, ECode.STATE, *said)
    job = cluster.submit(OpInstanceFailover(instance_name="web1", ignore_consistency=True))
    await cluster.finished(job)
    assert primary(cluster) == "node2"
    assert "Warning: disk/0 is not connected" in "\n".join(cluster.log(await job))


async def test_both_may_write_only_while_the_guest_is_on_its_way() -> None:
    cluster = await running()
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(MIGRATE)
    await job
    while cluster.guest_states("web1").get("node1") != "outgoing":
        await cluster.clock.sleep(0.1)
    assert roles(cluster) == DUAL
    cluster.nodes["node1"].sending.set()
    await cluster.finished(job)
    assert roles(cluster) == MOVED
    assert (primary(cluster), secondaries(cluster)) == ("node2", ["node1"])
    assert cluster.guest_states("web1") == {"node2": "running"}
    await cluster.run(MIGRATE)
    assert roles(cluster) == BOTH


async def test_a_cancelled_migration_leaves_one_writer() -> None:
    cluster = await running()
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(MIGRATE)
    await job
    while cluster.guest_states("web1").get("node1") != "outgoing":
        await cluster.clock.sleep(0.1)
    master = await cluster.master()
    assert (await master.cancel(master.queue.get(await job), kill=True))[0]
    await failed(cluster, job)
    assert roles(cluster) == BOTH
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_source_that_loses_its_power_on_the_way_is_failed_over_from() -> None:
    cluster = await running(pnode="node2", snode="node1")
    cluster.nodes["node2"].sending.clear()
    job = cluster.submit(MIGRATE)
    await job
    while cluster.guest_states("web1").get("node2") != "outgoing":
        await cluster.clock.sleep(0.1)
    cut(cluster, "node2")
    await failed(cluster, job)
    await cluster.mark_node("node2", offline=True)
    # QEMU's copy ends by itself when its source is gone.
    cluster.nodes["node1"].guests.remove("web1")
    await cluster.run(FAILOVER)
    assert primary(cluster) == "node1"
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert roles(cluster)["node1"] == [("UpToDate", True)]
    assert cluster.copies.doubles == []


async def test_a_source_that_boots_after_it_lost_its_power_starts_the_guest_again() -> None:
    """Its mirrors are gone with its memory, and are made again before anybody writes."""
    cluster = await running(pnode="node2", snode="node1")
    cluster.nodes["node2"].sending.clear()
    job = cluster.submit(MIGRATE)
    await job
    while cluster.guest_states("web1").get("node2") != "outgoing":
        await cluster.clock.sleep(0.1)
    cut(cluster, "node2")
    # QEMU's copy ends by itself when its source is gone.
    cluster.nodes["node1"].guests.remove("web1")
    await cluster.nodes["node2"].boot()
    cluster.nodes["node2"].reachable = True
    await failed(cluster, job)
    master = await cluster.master()
    assert master.leftovers.lines() == []
    assert roles(cluster)["node2"] == [("UpToDate", True)]
    await cluster.run(START)
    assert primary(cluster) == "node2"
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.copies.doubles == []


async def test_cleanup_takes_the_disks_where_the_guest_is() -> None:
    cluster = await running()
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    cluster.nodes["node1"].guests.put(Record("web1", 128, 1, 0.0, role=GuestRole.SENT))
    cluster.nodes["node2"].guests.put(record)
    await cluster.run(OpInstanceMigrate(instance_name="web1", cleanup=True))
    assert primary(cluster) == "node2"
    assert roles(cluster) == MOVED
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_hands_over_in_the_order_that_drbd_allows() -> None:
    cluster = await running()
    await cluster.run(MIGRATE)
    disks = [change for change in changes(cluster) if change[1].startswith("blockdev")]
    assert disks == [
        ("node1", "blockdev_open"),
        ("node2", "blockdev_assemble"),
        ("node2", "blockdev_open"),
        ("node1", "blockdev_close"),
        ("node2", "blockdev_open"),
    ]


async def test_a_failover_unwinds_from_every_fault_point() -> None:
    spares = {"node1/drbd/0": "the guest starts without its mirror, the log warns"}
    await assert_unwinds(drbd, FAILOVER, after=[mirrored()], spares=spares)


async def test_a_migration_can_be_asked_for_again_from_every_fault_point() -> None:
    # Asked for again without a target it would go back.
    op = OpInstanceMigrate(instance_name="web1", target_node="node2")
    made: list[SimCluster] = []

    def make() -> SimCluster:
        made.append(drbd())
        return made[-1]

    await assert_repeatable(make, op, after=[mirrored()])
    assert [cluster.copies.doubles for cluster in made] == [[]] * len(made)
