"""OP_NODE_MIGRATE."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.node import OpNodeMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make_drbd import known

OP = OpNodeMigrate(node_name="node1", target_node="node2")
NAMES = ("web1", "web2")


async def running() -> SimCluster:
    cluster = SimCluster()
    for name in NAMES:
        cluster.add_instance(name, shared=True)
    cluster.add_instance("web3", node="node3", shared=True)
    for name in NAMES:
        await cluster.run(OpInstanceStartup(instance_name=name))
    cluster.rpc_changes.clear()
    return cluster


def idle() -> SimCluster:
    return SimCluster()


async def test_each_primary_instance_gets_a_job() -> None:
    cluster = await running()
    result = await cluster.run(OP)
    assert [accepted for accepted, _ in result["jobs"]] == [True, True]
    for _, job in result["jobs"]:
        await cluster.finished(known(job))
    for name in NAMES:
        assert cluster.guest_states(name) == {"node2": "running"}
    assert cluster.view.node(cluster.instance("web3").primary_node).name == "node3"
    assert cluster.copies.doubles == []


async def test_a_node_without_instances_needs_no_job() -> None:
    cluster = idle()
    assert await cluster.run(OP) == {"jobs": []}
    assert changes(cluster) == []


async def test_a_dry_run_names_the_jobs() -> None:
    cluster = await running()
    job = cluster.submit(OpNodeMigrate(node_name="node1", target_node="node2", dry_run=True))
    await cluster.finished(job)
    assert cluster.log(await job) == [
        "Dry run: would submit a job of INSTANCE_MIGRATE(web1)",
        "Dry run: would submit a job of INSTANCE_MIGRATE(web2)",
    ]


async def test_refuses_unknown_nodes() -> None:
    cluster = await running()
    await assert_refused(cluster, OpNodeMigrate(node_name="node9"), ECode.NOENT, "node9")
    op = OpNodeMigrate(node_name="node1", target_node="node9")
    await assert_refused(cluster, op, ECode.NOENT, "node9")


async def test_hooks_run_on_the_master() -> None:
    cluster = await running()
    result = await cluster.run(OP)
    hooks = [change for change in cluster.rpc_changes if change[1] == "hooks_runner"]
    assert hooks[0] == ("node1", "hooks_runner")
    for _, job in result["jobs"]:
        await cluster.finished(known(job))


async def test_can_be_asked_for_again_from_every_fault_point() -> None:
    await assert_repeatable(idle, OP)
