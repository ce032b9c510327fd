"""OP_CLUSTER_POST_INIT, OP_CLUSTER_DESTROY and OP_CLUSTER_REDIST_CONF."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterDestroy, OpClusterPostInit, OpClusterRedistConf
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes


def alone() -> SimCluster:
    """A cluster of its master."""
    return SimCluster(1)


async def test_post_init_runs_the_hooks_only() -> None:
    cluster = alone()
    cluster.nodes["node1"].put_hook("cluster-init-post.d/10-log")
    assert await cluster.run(OpClusterPostInit()) is True
    assert changes(cluster) == []
    (command,) = cluster.nodes["node1"].programs.ran
    assert command.argv[0].endswith("cluster-init-post.d/10-log")


async def test_post_init_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(alone, OpClusterPostInit())


async def test_destroy_answers_with_the_master() -> None:
    cluster = alone()
    await cluster.master()
    assert await cluster.run(OpClusterDestroy()) == cluster.view.cluster.master_node


async def test_destroy_refuses_while_there_are_nodes() -> None:
    await assert_refused(SimCluster(2), OpClusterDestroy(), ECode.INVAL, "1 other node")


async def test_destroy_refuses_while_there_are_instances() -> None:
    cluster = alone()
    cluster.add_instance("web1")
    await assert_refused(cluster, OpClusterDestroy(), ECode.INVAL, "1 instance")


async def test_destroy_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(alone, OpClusterDestroy())


async def test_redist_conf_brings_every_node_everything() -> None:
    cluster = SimCluster()
    await cluster.master()
    await cluster.clock.sleep(60.0)
    for node in cluster.nodes.values():
        node.forget_ssconf("cluster_name")
    await cluster.run(OpClusterRedistConf())
    names = [node.ssconf("cluster_name") for node in cluster.nodes.values()]
    assert [(name or "").strip() for name in names] == ["cluster"] * 3


async def test_redist_conf_names_nodes_that_were_missed() -> None:
    cluster = SimCluster()
    await cluster.master()
    cluster.nodes["node2"].reachable = False
    job = cluster.submit(OpClusterRedistConf())
    await cluster.finished(job)
    assert any("node2" in line for line in cluster.log(await job))


async def test_redist_conf_waits_for_jobs_on_nodes() -> None:
    cluster = SimCluster()
    async with cluster.lock_held("node2"):
        job = cluster.submit(OpClusterRedistConf())
        await job
        await cluster.clock.sleep(60.0)
        assert (await cluster.master()).queue.get(await job).end_timestamp is None
    await cluster.finished(job)


async def test_redist_conf_leads_to_the_same_after_a_crash() -> None:
    cluster = SimCluster()
    job = cluster.submit(OpClusterRedistConf())
    await job
    await cluster.kill_master()
    await cluster.finished(job)
    assert all(node.ssconf("cluster_name") for node in cluster.nodes.values())
