"""OP_INSTANCE_CREATE where an allocator chooses the nodes."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

POOL = "ports come back through the pool"
PORTS = {"cluster/tcpudp_port_pool": POOL, "cluster/highest_used_port": POOL}


def op(template: str = "plain", **parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """``web1``, placed by ``mine``."""
    wanted = {"pnode": None, "iallocator": "mine", "ignore_ipolicy": True, "disks": [{"size": 8}]}
    return create(disk_template=template, **{**wanted, **parameters})


def cluster(*nodes: str, **more: Any) -> SimCluster:  # Any: fields of the answer
    """Three nodes; ``mine`` answers with these."""
    made = SimCluster(options={"enabled_disk_templates": ["plain", "drbd", "file"]})
    answer = {"success": True, "info": "", "result": list(nodes), **more}
    made.nodes["node1"].put_allocator("mine", answer)
    return made


def one() -> SimCluster:
    return cluster("node3")


def pair() -> SimCluster:
    return cluster("node3", "node2")


def where(made: SimCluster) -> list[str]:
    return [node.name for node in made.view.instance_nodes(made.instance("web1"))]


async def test_it_goes_where_the_allocator_says() -> None:
    made = one()
    job = made.submit(op())
    assert await made.finished(job) == ["node3"]
    assert made.guest_states("web1") == {"node3": "running"}
    text = "Selected nodes for instance web1 via allocator mine: node3"
    assert made.log(await job)[0] == text


async def test_a_mirror_has_two() -> None:
    made = pair()
    assert await made.run(op("drbd")) == ["node3", "node2"]
    assert where(made) == ["node3", "node2"]


async def test_the_default_allocator_is_asked_where_no_node_is_given() -> None:
    made = one()
    await assert_refused(made, op(iallocator=None), ECode.INVAL, "-n", "-I")
    await made.run(OpClusterSetParams(default_iallocator="mine"))
    await made.run(op(iallocator=None))
    assert where(made) == ["node3"]
    await made.run(op(instance_name="web2", iallocator=None, pnode="node2"))
    assert made.view.node(made.instance("web2").primary_node).name == "node2"


async def test_nodes_that_were_not_chosen_are_free_meanwhile() -> None:
    made = one()
    async with made.held_up("node3", "instance_os_add"):
        job = made.submit(op())
        await made.clock.sleep(100.0)
        async with made.lock_held("node2"):
            pass
    await made.finished(job)


async def test_only_nodes_that_are_free_are_asked_about_if_that_is_enough() -> None:
    made = one()
    async with made.lock_held("node2"):
        assert await made.run(op(opportunistic_locking=True)) == ["node3"]


async def test_where_those_are_too_few_all_are_waited_for() -> None:
    """The allocator finds nothing among the free ones, and is asked again with all."""
    made = cluster(success=False, info="no memory")
    async with made.lock_held("node2"):
        job = made.submit(op(opportunistic_locking=True))
        await made.clock.sleep(100.0)
        made.nodes["node1"].put_allocator(
            "mine", {"success": True, "info": "", "result": ["node2"]}
        )
        assert made.guest_states("web1") == {}
    assert await made.finished(job) == ["node2"]


# --- refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"pnode": "node1"}, ECode.INVAL, "not both"),
        ({"snode": "node2", "template": "drbd"}, ECode.INVAL, "without a primary"),
        ({"iallocator": "other"}, ECode.ENVIRON, "no allocator 'other'"),
        ({"group_name": "rack9"}, ECode.NOENT, "rack9"),
        ({"disks": [{"adopt": "xenvg/old"}]}, ECode.INVAL, "-n"),
        ({"disks": [{"size": 0}]}, ECode.INVAL, "size"),
        ({"beparams": {"memory": "much"}}, ECode.INVAL, "much"),
        ({"template": "drbd"}, ECode.ENVIRON, "2 were asked for"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(one(), op(**parameters), code, said)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"success": False, "info": "all full"}, ECode.NORES, "all full"),
        ({"result": ["node9"]}, ECode.ENVIRON, "node9"),
        ({"result": "node3"}, ECode.ENVIRON, "shape"),
    ],
)
async def test_refuses_other_answers(answer: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(**answer), op(), code, "mine", said)


async def test_refuses_where_no_node_takes_instances() -> None:
    made = one()
    for name in made.nodes:
        made.set_node(name, drained=True)
    await assert_refused(made, op(), ECode.NORES, "no node")


async def test_what_it_chose_must_have_room() -> None:
    made = one()
    made.nodes["node3"].volumes.capacity = 7
    await assert_refused(made, op(), ECode.NORES, "node3", "8 MiB")


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(one, op(), keeps=PORTS)
