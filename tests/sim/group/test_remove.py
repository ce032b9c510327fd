"""OP_GROUP_REMOVE."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.group import OpGroupAdd, OpGroupRemove
from pyganeti.opcodes.node import OpNodeAdd
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed
from tests.sim.group.make import grouped

OP = OpGroupRemove(group_name="rack3")


async def test_an_empty_group_is_removed() -> None:
    cluster = grouped()
    await cluster.run(OP)
    assert [group.name for group in cluster.view.all_groups()] == ["default", "rack2"]
    assert changes(cluster) == []


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("rack2", ECode.STATE, "node3"),
        ("default", ECode.STATE, "node1, node2"),
        ("rack9", ECode.NOENT, "rack9"),
    ],
)
async def test_refuses_before_any_change(name: str, code: ECode, said: str) -> None:
    await assert_refused(grouped(), OpGroupRemove(group_name=name), code, said)


async def test_the_only_group_stays() -> None:
    cluster = SimCluster(nodes=1)
    group = cluster.add_group("rack2")
    cluster.set_node("node1", group=group)
    await cluster.run(OpGroupRemove(group_name="default"))
    op = OpGroupRemove(group_name="rack2")
    await assert_refused(cluster, op, ECode.STATE, "node1")


async def test_a_group_that_got_a_node_while_it_waited_stays() -> None:
    cluster = SimCluster()
    cluster.prepare_node("node4")
    await cluster.run(OpGroupAdd(group_name="rack3"))
    async with cluster.lock_held("node1"):
        added = cluster.submit(OpNodeAdd(node_name="node4", group="rack3"))
        await added
        removed = cluster.submit(OP)
        await removed
    await cluster.finished(added)
    assert "node4" in str(await failed(cluster, removed))


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(grouped, OP)
