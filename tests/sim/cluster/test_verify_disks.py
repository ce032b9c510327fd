"""OP_CLUSTER_VERIFY_DISKS and OP_GROUP_VERIFY_DISKS."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterVerifyDisks
from pyganeti.opcodes.group import OpGroupVerifyDisks
from pyganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceShutdown
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make_drbd import BOTH, disks_of, drbd, mirrored, roles, split

GROUP = OpGroupVerifyDisks(group_name="default")
WELL: list[object] = [{}, [], {}]


async def made() -> SimCluster:
    cluster = drbd()
    await cluster.run(mirrored())
    cluster.rpc_changes.clear()
    return cluster


async def test_submits_a_job_for_each_group() -> None:
    cluster = await made()
    answer = await cluster.run(OpClusterVerifyDisks())
    ((accepted, job),) = answer["jobs"]
    assert accepted
    assert (await cluster.master()).queue.get(job).ops[0].input["group_name"] == "default"
    answer = await cluster.run(OpClusterVerifyDisks(group_name="default", is_strict=False))
    ((_, job),) = answer["jobs"]
    assert not (await cluster.master()).queue.get(job).ops[0].input["is_strict"]


@pytest.mark.parametrize("op", [OpClusterVerifyDisks(group_name="x"),
                                OpGroupVerifyDisks(group_name="x")])  # fmt: skip
async def test_refuses_an_unknown_group(op: OpClusterVerifyDisks | OpGroupVerifyDisks) -> None:
    await assert_refused(drbd(), op, ECode.NOENT, "x")


async def test_finds_nothing_where_all_is_well_or_stopped() -> None:
    cluster = await made()
    assert await cluster.run(GROUP) == WELL
    assert changes(cluster) == []
    await cluster.run(OpInstanceShutdown(instance_name="web1", timeout=0))
    assert await cluster.run(GROUP) == WELL


async def test_a_node_that_was_restarted_has_disks_to_activate() -> None:
    cluster = await made()
    cluster.nodes["node2"].drbd.power_cut()
    assert await cluster.run(GROUP) == [{}, ["web1"], {}]
    lax = OpGroupVerifyDisks(group_name="default", is_strict=False)
    assert await cluster.run(lax) == WELL
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert await cluster.run(GROUP) == WELL
    assert roles(cluster) == BOTH


async def test_a_cut_link_needs_no_activation() -> None:
    cluster = await made()
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    assert await cluster.run(GROUP) == WELL


async def test_a_split_brain_is_told_and_not_activated() -> None:
    """The watcher would do that for ever, and nobody would know."""
    cluster = await made()
    await split(cluster)
    errors, inactive, missing = await cluster.run(GROUP)
    assert (inactive, missing) == ([], {})
    text = errors[cluster.view.node("node1").uuid]
    assert text.startswith("instance web1: disk/0 is split: node1 and node2 were both written to")


async def test_names_missing_volumes_with_their_node() -> None:
    cluster = await made()
    node = cluster.nodes["node2"]
    node.drbd.power_cut()
    ((disk, _),) = disks_of(cluster)
    name = str(disk.children[0].logical_id[1])
    del node.volumes.disks[name]
    errors, inactive, missing = await cluster.run(GROUP)
    assert (errors, inactive) == ({}, ["web1"])
    assert missing == {"web1": [[disk.nodes[1], f"xenvg/{name}"]]}


async def test_names_nodes_that_do_not_answer_but_no_offline_ones() -> None:
    cluster = await made()
    cluster.nodes["node2"].reachable = False
    errors, inactive, missing = await cluster.run(GROUP)
    assert set(errors) == {cluster.view.node("node2").uuid}
    assert (inactive, missing) == ([], {})
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    assert await cluster.run(GROUP) == WELL
