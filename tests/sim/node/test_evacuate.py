"""OP_NODE_EVACUATE."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState, EvacMode
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceShutdown
from pyganeti.opcodes.node import OpNodeEvacuate
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused
from tests.sim.instance.make_drbd import cut, drbd, known, mirrored

NAMES = ("web1", "web2")
PRIMARIES = OpNodeEvacuate(node_name="node1", mode=EvacMode.PRIMARY)
MIRRORS = OpNodeEvacuate(node_name="node2", mode=EvacMode.SECONDARY, remote_node="node3")


async def pairs() -> SimCluster:
    """Two instances on ``node1`` with mirrors on ``node2``; the second is down."""
    cluster = drbd()
    for name in NAMES:
        await cluster.run(mirrored(instance_name=name))
    await cluster.run(OpInstanceShutdown(instance_name="web2", timeout=0))
    return cluster


def idle() -> SimCluster:
    return drbd()


async def evacuated(cluster: SimCluster, op: OpNodeEvacuate) -> Any:  # Any: JSON
    """What the jobs are, once they have ended well."""
    result = await cluster.run(op)
    assert [accepted for accepted, _ in result["jobs"]] == [True, True]
    for _, job in result["jobs"]:
        await cluster.finished(known(job))
    master = await cluster.master()
    return [
        master.queue.get(job).ops[0].input["OP_ID"].removeprefix("OP_") for _, job in result["jobs"]
    ]


def places(cluster: SimCluster) -> list[tuple[str, ...]]:
    """Primary and secondary node of each instance."""
    view, found = cluster.view, []
    for name in NAMES:
        instance = cluster.instance(name)
        nodes = [view.node(instance.primary_node), *view.secondary_nodes(instance)]
        found.append(tuple(node.name for node in nodes))
    return found


async def test_instances_go_to_their_mirrors() -> None:
    cluster = await pairs()
    kinds = await evacuated(cluster, PRIMARIES)
    assert kinds == ["INSTANCE_MIGRATE", "INSTANCE_FAILOVER"]
    assert places(cluster) == [("node2", "node1")] * 2
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.instance("web2").admin_state is AdminState.DOWN
    assert cluster.guest_states("web2") == {}


async def test_instances_of_a_node_that_is_marked_offline_are_failed_over() -> None:
    cluster = drbd()
    for name in NAMES:
        await cluster.run(mirrored(instance_name=name, pnode="node2", snode="node3"))
    cut(cluster, "node2", *NAMES)
    await cluster.mark_node("node2", offline=True)
    op = OpNodeEvacuate(node_name="node2", mode=EvacMode.PRIMARY)
    assert await evacuated(cluster, op) == ["INSTANCE_FAILOVER"] * 2
    assert places(cluster) == [("node3", "node2")] * 2
    assert cluster.guest_states("web1") == {"node3": "running"}


async def test_mirrors_go_to_the_node_given() -> None:
    cluster = await pairs()
    kinds = await evacuated(cluster, MIRRORS)
    assert kinds == ["INSTANCE_REPLACE_DISKS"] * 2
    assert places(cluster) == [("node1", "node3")] * 2
    assert cluster.nodes["node2"].drbd.devices == {}
    assert cluster.guest_states("web1") == {"node1": "running"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mode": EvacMode.SECONDARY}, "name the new secondary node"),
        ({"mode": EvacMode.SECONDARY, "remote_node": "node2"}, "the one to be evacuated"),
        ({"mode": EvacMode.SECONDARY, "remote_node": "node1"}, "web1, web2"),
        ({"mode": EvacMode.ALL}, "one after the other"),
        ({"mode": EvacMode.PRIMARY, "remote_node": "node3"}, "primary ones go to theirs"),
    ],
)
async def test_refuses_what_leaves_the_place_open(fields: dict[str, Any], said: str) -> None:
    cluster = await pairs()
    op = OpNodeEvacuate(node_name="node2", **fields)
    await assert_refused(cluster, op, ECode.INVAL, said)


async def test_refuses_unknown_nodes() -> None:
    cluster = idle()
    op = OpNodeEvacuate(node_name="node9", mode=EvacMode.PRIMARY)
    await assert_refused(cluster, op, ECode.NOENT, "node9")
    op = OpNodeEvacuate(node_name="node1", mode=EvacMode.SECONDARY, remote_node="node9")
    await assert_refused(cluster, op, ECode.NOENT, "node9")


async def test_instances_that_could_go_anywhere_need_an_allocator() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", shared=True)
    await assert_refused(cluster, PRIMARIES, ECode.INVAL, "without an allocator", "web1")
