"""OP_GROUP_ASSIGN_NODES."""

from typing import Any

import pytest

from pyganeti.master.locks import LockRequest
from pyganeti.model.errors import ECode
from pyganeti.opcodes.group import OpGroupAdd, OpGroupAssignNodes, OpGroupSetParams
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.opcodes.network import OpNetworkConnect
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.group.make import bounds, grouped
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import drbd, mirrored


def op(*nodes: str, group: str = "rack2", **parameters: Any) -> OpGroupAssignNodes:
    # Any: opcode parameters
    return make_op(OpGroupAssignNodes, **{"group_name": group, "nodes": nodes, **parameters})


def members(cluster: SimCluster) -> dict[str, list[str]]:
    view = cluster.view
    return {
        group.name: [node.name for node in view.nodes_of_group(group.uuid)]
        for group in view.all_groups()
    }


async def warnings(cluster: SimCluster, asked: OpGroupAssignNodes) -> list[str]:
    job = cluster.submit(asked)
    await cluster.finished(job)
    return cluster.log(await job)


async def split() -> SimCluster:
    """``web1`` is mirrored on ``node1`` and ``node2``; there is a group ``rack2``."""
    cluster = drbd()
    await cluster.run(mirrored())
    await cluster.run(OpGroupAdd(group_name="rack2"))
    return cluster


async def test_nodes_move_from_any_group_and_take_their_instances_with_them() -> None:
    cluster = grouped()
    await cluster.run(op("node1", "node3", group="rack3"))
    assert members(cluster) == {"default": ["node2"], "rack2": [], "rack3": ["node1", "node3"]}
    group = cluster.view.group("rack3")
    assert [one.name for one in cluster.view.instances_of_group(group.uuid)] == ["web1"]
    assert changes(cluster) == []


async def test_nodes_that_are_there_already_stay_and_nothing_is_committed() -> None:
    cluster = grouped()
    await cluster.master()
    serial = cluster.view.serial
    await cluster.run(op("node3", "node3"))
    assert cluster.view.serial == serial
    assert members(cluster)["rack2"] == ["node3"]


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (op(), ECode.INVAL, "name the nodes"),
        (op("node9"), ECode.NOENT, "node9"),
        (op("node1", "node9"), ECode.NOENT, "node9"),
        (op("node1", group="rack9"), ECode.NOENT, "rack9"),
    ],
)
async def test_refuses_before_any_change(asked: OpGroupAssignNodes, code: ECode, said: str) -> None:
    await assert_refused(grouped(), asked, code, said)


async def test_no_group_loses_or_gets_nodes_while_another_operation_holds_it() -> None:
    for held in ("default", "rack2"):
        cluster = grouped()
        await cluster.master()
        groups = frozenset({cluster.view.group(held).uuid})
        async with cluster.locks_held(LockRequest(groups=groups)):
            job = cluster.submit(op("node1"))
            await cluster.clock.sleep(5.0)
            assert members(cluster)["rack2"] == ["node3"]
        await cluster.finished(job)
        assert members(cluster)["rack2"] == ["node1", "node3"]


async def test_instances_are_not_split_unless_forced() -> None:
    cluster = await split()
    for node in ("node1", "node2"):
        await assert_refused(cluster, op(node), ECode.STATE, "web1", "--force")
    # A node that holds nothing of it, and both of its nodes at once, split nothing.
    assert await warnings(cluster, op("node3")) == []
    assert await warnings(cluster, op("node1", "node2")) == []
    assert members(cluster)["rack2"] == ["node1", "node2", "node3"]


async def test_forced_splits_are_told_and_those_that_stay_too() -> None:
    cluster = await split()
    said = "Warning: instances are split between node groups: web1"
    assert await warnings(cluster, op("node1", force=True)) == [said]
    await cluster.run(OpGroupAdd(group_name="rack3"))
    said = "Warning: instances stay split between node groups: web1"
    assert await warnings(cluster, op("node1", group="rack3")) == [said]
    # Together again, there is nothing to be said.
    assert await warnings(cluster, op("node2", group="rack3")) == []


async def test_what_the_new_group_is_not_made_for_is_told() -> None:
    cluster = SimCluster()
    cluster.add_network("blue", "192.0.2.0/29")
    cluster.add_network("green", "198.51.100.0/29")
    await cluster.run(OpGroupAdd(group_name="rack2"))
    how = {"network_mode": "bridged", "network_link": "br0"}
    where = {"network_name": "green", "group_name": "rack2"}
    await cluster.run(make_op(OpNetworkConnect, **where, **how))
    policy = {"minmax": bounds(memory_size=64)}
    await cluster.run(make_op(OpGroupSetParams, group_name="rack2", ipolicy=policy))
    nics = [{"network": name, "ip": "pool"} for name in ("blue", "green")]
    await cluster.run(create(nics=nics))
    assert await warnings(cluster, op("node1")) == [
        "Warning: the instance policy of group rack2 does not admit: web1",
        "Warning: network blue is not connected to group rack2, used by: web1",
    ]


async def test_a_dry_run_names_the_nodes() -> None:
    cluster = grouped()
    assert await warnings(cluster, op("node1", "node3", dry_run=True)) == [
        "Dry run: would move node node1 to group rack2"
    ]
    assert members(cluster)["rack2"] == ["node3"]


async def test_an_instance_that_is_made_meanwhile_counts() -> None:
    cluster = drbd()
    await cluster.run(OpGroupAdd(group_name="rack2"))
    async with cluster.lock_held("node1"):
        made: OpInstanceCreate = mirrored()
        job = cluster.submit(made)
        await job
        moved = cluster.submit(op("node1"))
        await moved
    await cluster.finished(job)
    assert "web1" in str(await failed(cluster, moved))
    assert members(cluster)["rack2"] == []


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(grouped, op("node1", "node2"))
