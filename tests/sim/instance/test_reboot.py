"""OP_INSTANCE_REBOOT."""

import pytest

from pyganeti.model.enums import AdminState, RebootType
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceReboot
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import (
    START,
    offline,
    on_offline_node,
    on_silent_node,
    running,
    stopped,
)


def op(kind: RebootType = RebootType.HARD) -> OpInstanceReboot:
    return OpInstanceReboot(instance_name="web1", reboot_type=kind)


CALLS = {
    RebootType.SOFT: ["instance_reboot"],
    RebootType.HARD: ["instance_reboot"],
    RebootType.FULL: [
        "instance_shutdown",
        "blockdev_shutdown",
        "blockdev_assemble",
        "instance_start",
    ],
}


@pytest.mark.parametrize("kind", RebootType)
async def test_reboots_in_each_way(kind: RebootType) -> None:
    cluster = await running()
    await cluster.run(op(kind))
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert [call for _, call in changes(cluster)] == CALLS[kind]


@pytest.mark.parametrize("kind", RebootType)
async def test_starts_a_guest_that_is_down(kind: RebootType) -> None:
    cluster = stopped()
    await cluster.run(op(kind))
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.instance("web1").admin_state is AdminState.UP


async def test_refuses_an_offline_instance() -> None:
    await assert_refused(await offline(), op(), ECode.STATE, "web1", "offline")


async def test_refuses_an_offline_node() -> None:
    await assert_refused(on_offline_node(), op(), ECode.STATE, "node2")


async def test_refuses_a_silent_node() -> None:
    await assert_refused(on_silent_node(), op(), ECode.ENVIRON, "node2")


async def test_refuses_a_missing_bridge_and_leaves_the_guest_running() -> None:
    cluster = await running()
    cluster.nodes["node1"].network.bridges = frozenset()
    await assert_refused(cluster, op(RebootType.FULL), ECode.ENVIRON, "br0")
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_refuses_when_a_guest_that_is_down_would_not_fit() -> None:
    cluster = stopped()
    await cluster.master()
    from pyganeti.master.changes import instance_fields

    config = (await cluster.master()).config
    uuid = cluster.instance("web1").uuid
    await config.commit(instance_fields(uuid, beparams={"maxmem": 20000}))
    await assert_refused(cluster, op(), ECode.NORES, "20000")


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.lock_held("node1"):
        job = cluster.submit(op())
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}


@pytest.mark.parametrize("kind", RebootType)
async def test_can_be_repeated_after_any_fault(kind: RebootType) -> None:
    await assert_repeatable(stopped, op(kind), after=[START])


async def test_unwinds_the_start_of_a_guest_that_was_down() -> None:
    keeps = {"instances/web1/admin_state": "the watcher tries again, as in Ganeti"}
    await assert_unwinds(stopped, op(), keeps=keeps)
