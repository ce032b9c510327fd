"""OP_INSTANCE_REMOVE."""

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, NodeUnreachable
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, failed, fails
from tests.sim.instance.make import (
    START,
    create,
    empty,
    on_offline_node,
    on_silent_node,
    running,
    stopped,
)
from tests.sim.instance.make_drbd import drbd, mirrored, volumes

OP = OpInstanceRemove(instance_name="web1")


async def test_nothing_is_left_of_it() -> None:
    cluster = empty()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(create())
    await cluster.run(OP)
    assert cluster.footprint() == before


async def test_refuses_an_unknown_instance() -> None:
    op = OpInstanceRemove(instance_name="web9")
    await assert_refused(stopped(), op, ECode.NOENT, "web9")


async def test_refuses_an_offline_node() -> None:
    await assert_refused(on_offline_node(), OP, ECode.STATE, "node2")


async def test_a_silent_node_fails_it_and_it_stays_known() -> None:
    cluster = on_silent_node()
    assert isinstance(await fails(cluster, OP), NodeUnreachable)
    assert cluster.instance("web1").name == "web1"


async def test_one_that_has_lost_disks_is_not_started_again() -> None:
    """As the watcher would start what is wanted to run."""
    cluster = drbd()
    await cluster.run(mirrored(pnode="node1", snode="node2"))
    cluster.nodes["node2"].dies_after = "blockdev_remove"
    await fails(cluster, OP)
    assert (cluster.instance("web1").admin_state, cluster.instance("web1").disks_active) == (
        AdminState.DOWN,
        False,
    )
    cluster.nodes["node2"].dies_after = None
    cluster.nodes["node2"].reachable = True
    await cluster.run(OP)
    assert cluster.view.instances == {}
    assert [volumes(node) for node in cluster.nodes.values()] == [{}, {}, {}]


async def test_forgets_it_where_failures_are_ignored() -> None:
    for cluster in (on_silent_node(), on_offline_node()):
        await cluster.run(OpInstanceRemove(instance_name="web1", ignore_failures=True))
        assert cluster.view.instances == {}
        assert cluster.view.disks == {}


async def test_keeps_others_alone() -> None:
    cluster = stopped()
    cluster.add_instance("web2")
    await cluster.run(OP)
    assert [item.name for item in cluster.view.all_instances()] == ["web2"]
    assert len(cluster.nodes["node1"].disks.disks) == 1


async def test_the_second_of_two_finds_nothing() -> None:
    cluster = await running()
    first, second = cluster.submit(OP), cluster.submit(OP)
    await cluster.finished(first)
    cluster.rpc_changes.clear()
    assert "web1" in str(await failed(cluster, second))
    assert changes(cluster) == []


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.lock_held("node1"):
        job = cluster.submit(OP)
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    assert cluster.nodes["node2"].disks.disks == {}


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(stopped, OP, after=[START])
