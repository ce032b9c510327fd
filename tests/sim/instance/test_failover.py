"""OP_INSTANCE_FAILOVER."""

import msgspec
import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceFailover, OpInstanceMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, fails, make_op
from tests.sim.instance.make import START, running, shared

OP = OpInstanceFailover(instance_name="web1", target_node="node2")
OP_IGNORING = OpInstanceFailover(instance_name="web1", target_node="node2", ignore_consistency=True)
CLEANUP = OpInstanceFailover(instance_name="web1", cleanup=True)
GUEST = Record("web1", 128, 1, 0.0)


async def started() -> SimCluster:
    cluster = shared()
    await cluster.run(START)
    cluster.rpc_changes.clear()
    return cluster


def on_dead_node() -> SimCluster:
    """``web1`` should run, but its node ``node3`` is dead and marked offline."""
    cluster = SimCluster()
    cluster.add_instance("web1", node="node3", admin_state=AdminState.UP, shared=True)
    cluster.set_node("node3", offline=True)
    cluster.nodes["node3"].reachable = False
    return cluster


def primary(cluster: SimCluster) -> str:
    return cluster.view.node(cluster.instance("web1").primary_node).name


async def test_stops_here_and_starts_there() -> None:
    cluster = await started()
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert primary(cluster) == "node2"
    (disk,) = cluster.view.disks_of(cluster.instance("web1"))
    assert disk.nodes == (cluster.view.node("node2").uuid,)
    assert cluster.log(await job) == [
        "Failover instance web1",
        "* checking disk consistency between source and target",
        "* shutting down instance on source node",
        "Shutting down instance web1 on node node1",
        "* deactivating the instance's disks on source node",
        "* activating the instance's disks on target node node2",
        "Starting instance web1 on node node2",
        "* starting the instance on the target node node2",
    ]


async def test_one_that_is_down_stays_down() -> None:
    cluster = shared()
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {}
    assert primary(cluster) == "node2"
    await cluster.run(START)
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_one_that_should_run_and_had_ended_is_started() -> None:
    cluster = await started()
    cluster.nodes["node1"].guests.remove("web1")
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_leaves_a_node_that_is_marked_offline_without_asking_it() -> None:
    cluster = on_dead_node()
    await cluster.run(OP)
    assert primary(cluster) == "node2"
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert {node for node, _call in changes(cluster)} == {"node2"}


def on_silent_node() -> SimCluster:
    """``web1`` should run; its node ``node3`` is dead, and nobody has said so."""
    cluster = on_dead_node()
    cluster.set_node("node3", offline=False)
    return cluster


async def test_refuses_a_source_that_is_silent_unless_told_to_ignore_it() -> None:
    cluster = on_silent_node()
    await assert_refused(
        cluster, OP, ECode.ENVIRON, "node3", "mark it offline first", "--ignore-consistency"
    )
    job = cluster.submit(OP_IGNORING)
    await cluster.finished(job)
    assert any("Node node3 does not answer" in line for line in cluster.log(await job))
    assert primary(cluster) == "node2"
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert {node for node, _call in changes(cluster)} == {"node2"}


async def test_refuses_when_the_target_runs_it_already() -> None:
    cluster = await started()
    cluster.nodes["node2"].guests.put(GUEST)
    await assert_refused(cluster, OP, ECode.STATE, "node2", "--cleanup")


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({}, ECode.INVAL, "--target-node"),
        ({"target_node": "node1"}, ECode.STATE, "node1 is the primary node"),
        ({"target_node": "node9"}, ECode.NOENT, "node9"),
        ({"target_node": "node2", "instance_name": "web9"}, ECode.NOENT, "web9"),
    ],
)
async def test_refuses_wrong_targets(parameters: dict[str, object], code: ECode, said: str) -> None:
    op = make_op(OpInstanceFailover, **{"instance_name": "web1", **parameters})
    await assert_refused(await started(), op, code, said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"offline": True}, "offline"),
        ({"drained": True}, "drained"),
        ({"vm_capable": False}, "vm_capable"),
    ],
)
async def test_refuses_targets_that_take_no_instances(fields: dict[str, bool], said: str) -> None:
    cluster = await started()
    await cluster.mark_node("node2", **fields)
    await assert_refused(cluster, OP, ECode.STATE, "node2", said)


async def test_refuses_disks_that_are_on_one_node_only() -> None:
    await assert_refused(await running(), OP, ECode.STATE, "file", "no other node has them")


async def test_refuses_a_target_without_memory_or_bridge() -> None:
    cluster = await started()
    cluster.nodes["node2"].network.bridges = frozenset()
    await assert_refused(cluster, OP, ECode.ENVIRON, "node2", "br0")
    cluster.nodes["node2"].network.bridges = frozenset({"br0"})
    cluster.nodes["node2"].guests.put(Record("huge", 16384, 1, 0.0))
    await assert_refused(cluster, OP, ECode.NORES, "node2", "128")


async def test_the_policy_of_the_target_counts_unless_ignored() -> None:
    cluster = shared()
    group = cluster.add_group("other", ipolicy={"disk-templates": ["file"]})
    cluster.set_node("node2", group=group)
    await assert_refused(cluster, OP, ECode.INVAL, "sharedfile", "policy")
    await cluster.run(
        OpInstanceFailover(instance_name="web1", target_node="node2", ignore_ipolicy=True)
    )
    assert primary(cluster) == "node2"


async def test_goes_back_when_the_target_cannot_start_it() -> None:
    cluster = await started()
    async with cluster.held_up("node2", "blockdev_assemble"):
        job = cluster.submit(OP)
        await job
        await cluster.clock.sleep(1)
        assert cluster.guest_states("web1") == {}
        cluster.nodes["node2"].guests.put(Record("huge", 16384, 1, 0.0))
    assert "not enough memory" in str(await failed(cluster, job))
    assert primary(cluster) == "node1"
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_goes_back_only_when_the_target_is_known_not_to_run_it() -> None:
    cluster = await started()
    cluster.nodes["node2"].dies_after = "instance_start"
    await fails(cluster, OP)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert primary(cluster) == "node2"
    cluster.nodes["node2"].reachable = True
    await (await cluster.master()).leftovers.retry()
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert primary(cluster) == "node1"


async def test_what_is_undone_late_starts_no_second_copy() -> None:
    """The source dies while it is to be started again; the instance goes elsewhere meanwhile."""
    cluster = SimCluster()
    cluster.add_instance("web1", node="node3", shared=True)
    await cluster.run(START)
    cluster.nodes["node3"].dies_after = "instance_shutdown"
    await fails(cluster, OP)
    cluster.nodes["node3"].dies_after = None
    await cluster.mark_node("node3", offline=True)
    await cluster.run(OP)
    cluster.nodes["node3"].reachable = True
    await cluster.mark_node("node3", offline=False)
    master = await cluster.master()
    await master.leftovers.retry()
    assert master.leftovers.lines() == []
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_cleanup_records_where_it_runs() -> None:
    cluster = await started()
    cluster.nodes["node3"].guests.put(GUEST)
    cluster.nodes["node1"].guests.remove("web1")
    job = cluster.submit(CLEANUP)
    await cluster.finished(job)
    assert primary(cluster) == "node3"
    assert cluster.instance("web1").disks_active
    assert "* instance running on secondary node (node3), updating config" in cluster.log(await job)


async def test_cleanup_takes_no_target() -> None:
    op = msgspec.structs.replace(CLEANUP, target_node="node2")
    await assert_refused(shared(), op, ECode.INVAL, "no target node")
    op = msgspec.structs.replace(CLEANUP, iallocator="hail")
    await assert_refused(shared(), op, ECode.INVAL, "no allocator")
    migration = OpInstanceMigrate(instance_name="web1", cleanup=True, target_node="node2")
    await assert_refused(shared(), migration, ECode.INVAL, "no target node")


async def test_cleanup_confirms_the_primary_node() -> None:
    cluster = await started()
    job = cluster.submit(CLEANUP)
    await cluster.finished(job)
    assert primary(cluster) == "node1"
    text = "* instance confirmed to be running on its primary node (node1)"
    assert text in cluster.log(await job)


async def test_cleanup_refuses_what_it_cannot_decide() -> None:
    cluster = await started()
    cluster.nodes["node2"].guests.put(GUEST)
    await assert_refused(cluster, CLEANUP, ECode.STATE, "node1, node2")
    for node in ("node1", "node2"):
        cluster.nodes[node].guests.remove("web1")
    await assert_refused(cluster, CLEANUP, ECode.STATE, "does not run", "startup")


async def test_hooks_know_both_nodes() -> None:
    cluster = await started()
    cluster.rpc_changes.clear()
    await cluster.run(OP)
    hooks = [node for node, call in cluster.rpc_changes if call == "hooks_runner"]
    assert hooks == ["node1", "node2", "node1", "node2"]


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(shared, OP, after=[START])


async def test_unwinds_from_every_fault_point_with_active_disks() -> None:
    await assert_unwinds(shared, OP, after=[OpInstanceActivateDisks(instance_name="web1")])


async def test_unwinds_from_every_fault_point_from_a_dead_node() -> None:
    await assert_unwinds(on_dead_node, OP)


async def test_unwinds_from_every_fault_point_from_a_silent_node() -> None:
    await assert_unwinds(on_silent_node, OP_IGNORING)
