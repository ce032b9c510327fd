"""OP_NODE_REMOVE."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.node import OpNodeAdd, OpNodeRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, failed

OP = OpNodeRemove(node_name="node3")


def with_hosts_file() -> SimCluster:
    """The master's hosts file is managed, and knows a node that was added."""
    cluster = SimCluster(options={"modify_etc_hosts": True})
    cluster.prepare_node("node4", "192.0.2.4")
    return cluster


async def test_the_node_is_forgotten_everywhere() -> None:
    cluster = SimCluster()
    await cluster.master()
    uuid = cluster.view.node("node3").uuid
    await cluster.run(OP)
    assert [node.name for node in cluster.view.all_nodes()] == ["node1", "node2"]
    assert uuid not in cluster.view.cluster.candidate_certs
    for name in ("node1", "node2"):
        assert (cluster.nodes[name].ssconf("node_list") or "").split() == ["node1", "node2"]


async def test_the_node_forgets_the_cluster() -> None:
    cluster = SimCluster()
    await cluster.run(OP)
    assert not cluster.nodes["node3"].is_member


async def test_refuses_the_master() -> None:
    await assert_refused(SimCluster(), OpNodeRemove(node_name="node1"), ECode.INVAL, "master")


async def test_refuses_an_unknown_node() -> None:
    await assert_refused(SimCluster(), OpNodeRemove(node_name="node9"), ECode.NOENT, "node9")


async def test_refuses_a_node_with_instances() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node3")
    await assert_refused(cluster, OP, ECode.INVAL, "node3", "web1")


async def test_refuses_when_an_instance_came_while_it_waited() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    async with cluster.lock_held("node3"):
        job = cluster.submit(OP)
        await job
        await cluster.move("web1", to="node3")
    assert "web1" in str(await failed(cluster, job))


async def test_a_silent_node_is_removed_and_the_log_says_what_is_left() -> None:
    cluster = SimCluster()
    cluster.nodes["node3"].reachable = False
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert any("not cleaned" in line for line in cluster.log(await job))
    assert len(cluster.view.nodes) == 2


async def test_an_offline_node_is_not_called() -> None:
    cluster = SimCluster()
    cluster.set_node("node3", offline=True)
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert ("node3", "node_leave_cluster") not in cluster.rpc_changes
    assert any("node-cleanup" in line for line in cluster.log(await job))


async def test_names_others_that_could_not_be_told() -> None:
    cluster = SimCluster()
    cluster.nodes["node2"].reachable = False
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert any("node2 does not know yet" in line for line in cluster.log(await job))


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(SimCluster, OP)


async def test_nothing_is_left_of_a_node_that_was_added() -> None:
    cluster = with_hosts_file()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(OpNodeAdd(node_name="node4"))
    await cluster.run(OpNodeRemove(node_name="node4"))
    assert cluster.footprint() == before
