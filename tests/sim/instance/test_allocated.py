"""Operations on instances whose node an allocator chooses."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import (
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceReplaceDisks,
    OpInstanceSetParams,
)
from pyganeti.opcodes.node import OpNodeMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, make_op
from tests.sim.instance.make import START, create
from tests.sim.instance.make_drbd import drbd, known, mirrored

POOL = "ports come back through the pool"
PORTS = {"cluster/tcpudp_port_pool": POOL, "cluster/highest_used_port": POOL}
FAILOVER = OpInstanceFailover(instance_name="web1", iallocator="mine")
MIGRATE = OpInstanceMigrate(instance_name="web1", iallocator="mine")
REPLACE = make_op(
    OpInstanceReplaceDisks,
    instance_name="web1",
    mode="replace_new_secondary",
    iallocator="mine",
    ignore_ipolicy=True,
)
CONVERT = make_op(
    OpInstanceSetParams,
    instance_name="web1",
    disk_template="drbd",
    iallocator="mine",
    ignore_ipolicy=True,
)


def advised(cluster: SimCluster, result: object = ("node3",), **more: Any) -> SimCluster:
    """The cluster with an allocator that always gives this answer. Any: its fields."""
    answer = {"success": True, "info": "", "result": result, **more}
    cluster.nodes["node1"].put_allocator("mine", answer)
    return cluster


def shared() -> SimCluster:
    """``web1`` on ``node1``, with disks that all nodes see."""
    cluster = advised(SimCluster())
    cluster.add_instance("web1", shared=True)
    return cluster


def pair() -> SimCluster:
    """No instance; nodes with volumes."""
    return advised(drbd())


def lonely() -> SimCluster:
    """The same; a secondary is one name."""
    return advised(drbd(), "node3")


PLAIN = create(disk_template="plain", disks=[{"size": 8}], ignore_ipolicy=True, start=False)


def where(cluster: SimCluster) -> list[str]:
    """The nodes of the instance, the primary first."""
    return [node.name for node in cluster.view.instance_nodes(cluster.instance("web1"))]


@pytest.mark.parametrize("op", [FAILOVER, MIGRATE])
async def test_a_guest_goes_where_the_allocator_says(op: Opcode) -> None:
    cluster = shared()
    await cluster.run(START)
    job = cluster.submit(op)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node3": "running"}
    assert cluster.copies.doubles == []
    assert cluster.log(await job)[0] == (
        "Selected node for instance web1 via allocator mine: node3"
    )


async def test_a_migration_that_falls_back_goes_there_as_well() -> None:
    cluster = shared()
    op = make_op(OpInstanceMigrate, instance_name="web1", iallocator="mine", allow_failover=True)
    await cluster.run(op)
    assert where(cluster) == ["node3"]


async def test_the_default_allocator_chooses_where_nobody_does() -> None:
    cluster = shared()
    op = OpInstanceFailover(instance_name="web1")
    await assert_refused(cluster, op, ECode.INVAL, "--target-node", "--iallocator")
    await cluster.run(OpClusterSetParams(default_iallocator="mine"))
    await cluster.run(op)
    assert where(cluster) == ["node3"]
    await cluster.run(OpInstanceFailover(instance_name="web1", target_node="node2"))
    assert where(cluster) == ["node2"]


async def test_nodes_that_were_not_chosen_are_free_meanwhile() -> None:
    cluster = shared()
    await cluster.run(START)
    async with cluster.held_up("node3", "blockdev_assemble"):
        job = cluster.submit(FAILOVER)
        await cluster.clock.sleep(100.0)
        async with cluster.lock_held("node2"):
            pass
    await cluster.finished(job)


async def test_a_mirror_gets_the_secondary_that_the_allocator_says() -> None:
    cluster = pair()
    await cluster.run(mirrored({"size": 64}))
    job = cluster.submit(REPLACE)
    await cluster.finished(job)
    assert where(cluster) == ["node1", "node3"]
    text = "Selected node for instance web1 via allocator mine: node3"
    assert cluster.log(await job)[0] == text


async def test_a_volume_is_mirrored_where_the_allocator_says() -> None:
    cluster = lonely()
    await cluster.run(PLAIN)
    job = cluster.submit(CONVERT)
    await cluster.finished(job)
    assert where(cluster) == ["node1", "node3"]
    assert "via allocator mine: node3" in cluster.log(await job)[0]


async def test_each_instance_of_a_node_is_asked_about() -> None:
    cluster = shared()
    cluster.add_instance("web2", shared=True)
    for name in ("web1", "web2"):
        await cluster.run(make_op(type(START), instance_name=name))
    result = await cluster.run(OpNodeMigrate(node_name="node1", iallocator="mine"))
    for _, job in result["jobs"]:
        await cluster.finished(known(job))
    assert cluster.guest_states("web1") == cluster.guest_states("web2") == {"node3": "running"}
    asked = [one for one in cluster.nodes["node1"].programs.ran if "mine" in one.argv[0]]
    assert len(asked) == 2


# --- refused


@pytest.mark.parametrize("cls", [OpInstanceFailover, OpInstanceMigrate])
@pytest.mark.parametrize(
    ("more", "said"),
    [({"target_node": "node2"}, "nothing to choose"), ({"cleanup": True}, "no allocator")],
    ids=["target", "cleanup"],
)
async def test_there_must_be_something_to_choose(
    cls: type[Opcode], more: dict[str, Any], said: str
) -> None:
    op = make_op(cls, instance_name="web1", iallocator="mine", **more)
    await assert_refused(shared(), op, ECode.INVAL, said)


async def test_a_mirrored_pair_has_only_one_way() -> None:
    cluster = pair()
    await cluster.run(mirrored({"size": 64}))
    for op in (FAILOVER, MIGRATE):
        await assert_refused(cluster, op, ECode.INVAL, "only go to its secondary node")


@pytest.mark.parametrize(
    "more", [{"mode": "replace_auto"}, {"mode": "replace_new_secondary", "remote_node": "node3"}]
)
async def test_only_a_new_secondary_is_chosen(more: dict[str, Any]) -> None:
    cluster = pair()
    await cluster.run(mirrored({"size": 64}))
    op = make_op(OpInstanceReplaceDisks, instance_name="web1", iallocator="mine", **more)
    await assert_refused(cluster, op, ECode.INVAL, "new secondary node")


async def test_only_mirrors_have_a_secondary_to_be_chosen() -> None:
    await assert_refused(shared(), REPLACE, ECode.INVAL, "not mirrored")
    cluster = lonely()
    await cluster.run(PLAIN)
    for parameters, said in (
        ({"disk_template": "file"}, "not enabled"),
        ({"disk_template": "drbd", "remote_node": "node2"}, "-n NODE"),
        ({"offline": True}, "iallocator"),
    ):
        op = make_op(OpInstanceSetParams, instance_name="web1", iallocator="mine", **parameters)
        code = ECode.STATE if said == "not enabled" else ECode.INVAL
        await assert_refused(cluster, op, code, said)


@pytest.mark.parametrize("op", [FAILOVER, MIGRATE])
@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"result": ["node1"]}, ECode.ENVIRON, "node1"),
        ({"result": ["node9"]}, ECode.ENVIRON, "node9"),
        ({"success": False, "info": "all full"}, ECode.NORES, "all full"),
    ],
)
async def test_what_an_allocator_may_not_say(
    op: Opcode, answer: dict[str, Any], code: ECode, said: str
) -> None:
    cluster = shared()
    advised(cluster, **answer)
    await cluster.run(START)
    cluster.rpc_changes.clear()
    await assert_refused(cluster, op, code, "mine", said)


async def test_what_it_chose_must_be_able_to() -> None:
    cluster = shared()
    cluster.set_node("node3", drained=True)
    await assert_refused(cluster, FAILOVER, ECode.STATE, "node3", "drained")


# --- every fault point


async def test_a_failover_unwinds() -> None:
    await assert_unwinds(shared, FAILOVER, after=[START])


async def test_a_conversion_unwinds() -> None:
    await assert_unwinds(lonely, CONVERT, after=[PLAIN], keeps=PORTS, spares=PORTS, may_stand=True)
