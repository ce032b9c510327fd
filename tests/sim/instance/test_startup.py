"""OP_INSTANCE_STARTUP."""

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds

OP = OpInstanceStartup(instance_name="web1")


def stopped() -> SimCluster:
    cluster = SimCluster()
    cluster.add_instance("web1", admin_state=AdminState.DOWN)
    return cluster


async def test_starts_the_guest_and_remembers_it() -> None:
    cluster = stopped()
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.instance("web1").admin_state is AdminState.UP


async def test_refuses_an_offline_instance_before_any_change() -> None:
    cluster = stopped()
    await cluster.set_admin_state("web1", AdminState.OFFLINE)
    with pytest.raises(OpPrereqError) as refused:
        await cluster.run(OP)
    assert refused.value.code is ECode.STATE
    assert cluster.rpc_changes == []


async def test_leaves_a_running_guest_alone() -> None:
    cluster = stopped()
    await cluster.run(OP)
    cluster.rpc_changes.clear()
    await cluster.run(OP)
    assert [call for _, call in cluster.rpc_changes if call != "hooks_runner"] == []


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
