"""OP_INSTANCE_CONSOLE."""

import msgspec

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceConsole
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import on_offline_node, on_silent_node, running, stopped

OP = OpInstanceConsole(instance_name="web1")


async def test_tells_how_the_console_is_reached() -> None:
    cluster = await running()
    told = await cluster.run(OP)
    assert told == {
        "instance": "web1",
        "kind": "msg",
        "message": "Console not available for fake hypervisor",
    }
    assert cluster.rpc_changes == []


async def test_a_paused_guest_has_one_too() -> None:
    cluster = await running()
    record = cluster.nodes["node1"].guests.get("web1")
    assert isinstance(record, Record)
    cluster.nodes["node1"].guests.put(msgspec.structs.replace(record, paused=True))
    assert (await cluster.run(OP))["kind"] == "msg"


async def test_refuses_an_instance_that_does_not_run() -> None:
    await assert_refused(stopped(), OP, ECode.STATE, "web1", "not running")
    cluster = stopped()
    await cluster.set_admin_state("web1", AdminState.UP)
    await assert_refused(cluster, OP, ECode.STATE, "web1", "not running")


async def test_refuses_a_node_that_cannot_be_asked() -> None:
    await assert_refused(on_offline_node(), OP, ECode.STATE, "node2")
    await assert_refused(on_silent_node(), OP, ECode.ENVIRON, "node2")


async def test_refuses_an_unknown_instance() -> None:
    op = OpInstanceConsole(instance_name="web9")
    await assert_refused(stopped(), op, ECode.NOENT, "web9")
