"""OP_INSTANCE_SHUTDOWN."""

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, NodeUnreachable
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceShutdown
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, failed, fails
from tests.sim.instance.make import (
    START,
    offline,
    on_offline_node,
    on_silent_node,
    running,
    stopped,
)

OP = OpInstanceShutdown(instance_name="web1")


async def test_stops_the_guest_and_remembers_it() -> None:
    cluster = await running()
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {}
    instance = cluster.instance("web1")
    assert instance.admin_state is AdminState.DOWN
    assert not instance.disks_active
    assert not any("links" in path for path in cluster.footprint())


async def test_can_stop_without_remembering_it() -> None:
    cluster = await running()
    await cluster.run(OpInstanceShutdown(instance_name="web1", no_remember=True))
    assert cluster.guest_states("web1") == {}
    assert cluster.instance("web1").admin_state is AdminState.UP


async def test_refuses_an_offline_instance_but_by_force() -> None:
    cluster = await offline()
    await assert_refused(cluster, OP, ECode.STATE, "web1", "offline")
    await cluster.run(OpInstanceShutdown(instance_name="web1", force=True))
    assert cluster.instance("web1").admin_state is AdminState.OFFLINE


async def test_refuses_an_offline_node_unless_it_is_ignored() -> None:
    cluster = on_offline_node()
    await assert_refused(cluster, OP, ECode.STATE, "node2")
    await cluster.run(OpInstanceShutdown(instance_name="web1", ignore_offline_nodes=True))
    assert changes(cluster) == []


async def test_refuses_an_unknown_instance() -> None:
    op = OpInstanceShutdown(instance_name="web9")
    await assert_refused(stopped(), op, ECode.NOENT, "web9")


async def test_a_silent_node_fails_it_and_the_wish_is_remembered() -> None:
    cluster = on_silent_node()
    await cluster.set_admin_state("web1", AdminState.UP)
    assert isinstance(await fails(cluster, OP), NodeUnreachable)
    assert cluster.instance("web1").admin_state is AdminState.DOWN


async def test_stopping_what_is_down_changes_nothing() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(OP)
    assert cluster.footprint() == before


async def test_refuses_when_it_was_removed_while_it_waited() -> None:
    cluster = await running()
    remove, stop = cluster.submit(OpInstanceRemove(instance_name="web1")), cluster.submit(OP)
    await cluster.finished(remove)
    assert "web1" in str(await failed(cluster, stop))


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(stopped, OP, after=[START])
