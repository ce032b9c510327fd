"""OP_INSTANCE_STARTUP."""

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import offline, on_offline_node, on_silent_node, running, stopped

OP = OpInstanceStartup(instance_name="web1")


async def test_starts_the_guest_and_remembers_it() -> None:
    cluster = stopped()
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.instance("web1").admin_state is AdminState.UP
    assert cluster.instance("web1").disks_active


async def test_starts_paused_with_other_parameters_for_this_once() -> None:
    cluster = stopped()
    op = OpInstanceStartup(
        instance_name="web1", startup_paused=True, no_remember=True, beparams={"maxmem": 300}
    )
    await cluster.run(op)
    assert cluster.guest_states("web1") == {"node1": "paused"}
    assert cluster.instance("web1").admin_state is AdminState.DOWN
    guest = cluster.nodes["node1"].guests.get("web1")
    assert guest is not None
    assert guest.memory == 300
    assert cluster.instance("web1").beparams == {}


async def test_refuses_an_offline_instance_before_any_change() -> None:
    await assert_refused(await offline(), OP, ECode.STATE, "web1", "offline")


async def test_refuses_an_unknown_instance() -> None:
    await assert_refused(stopped(), OpInstanceStartup(instance_name="web9"), ECode.NOENT, "web9")


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"hvparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
        ({"beparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
        ({"beparams": {"maxmem": 20000}}, ECode.NORES, "20000"),
    ],
)
async def test_refuses_wrong_overrides(
    parameters: dict[str, dict[str, object]], code: ECode, said: str
) -> None:
    op = make_op(OpInstanceStartup, instance_name="web1", **parameters)
    await assert_refused(stopped(), op, code, said)


async def test_refuses_a_missing_bridge() -> None:
    cluster = stopped()
    cluster.nodes["node1"].network.bridges = frozenset()
    await assert_refused(cluster, OP, ECode.ENVIRON, "br0", "node1")


async def test_refuses_an_offline_node() -> None:
    await assert_refused(on_offline_node(), OP, ECode.STATE, "node2")


async def test_refuses_a_silent_node() -> None:
    await assert_refused(on_silent_node(), OP, ECode.ENVIRON, "node2")


async def test_only_remembers_it_for_an_offline_node_that_is_ignored() -> None:
    cluster = on_offline_node()
    await cluster.run(OpInstanceStartup(instance_name="web1", ignore_offline_nodes=True))
    assert cluster.instance("web1").admin_state is AdminState.UP
    assert changes(cluster) == []


async def test_leaves_a_running_guest_alone() -> None:
    cluster = await running()
    await cluster.run(OP)
    assert changes(cluster) == []


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.lock_held("node1"):
        job = cluster.submit(OP)
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_unwinds_from_every_fault_point() -> None:
    keeps = {"instances/web1/admin_state": "the watcher tries again, as in Ganeti"}
    await assert_unwinds(stopped, OP, keeps=keeps)
