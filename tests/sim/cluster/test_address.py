"""OP_CLUSTER_(DE)ACTIVATE_MASTER_IP, and settings of the address in OP_CLUSTER_SET_PARAMS."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import (
    OpClusterActivateMasterIp,
    OpClusterDeactivateMasterIp,
    OpClusterSetParams,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.faults import Fault, FaultKind
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op

UP = ("node1", "node_activate_master_ip")
DOWN = ("node1", "node_deactivate_master_ip")
MOVE = make_op(
    OpClusterSetParams, master_netdev="eth7", master_netmask=24, use_external_mip_script=True
)


def address(cluster: SimCluster) -> tuple[str, int, bool]:
    found = cluster.view.cluster
    return found.master_netdev, found.master_netmask, found.use_external_mip_script


async def test_it_goes_up_and_down_on_the_master() -> None:
    cluster = SimCluster()
    await cluster.run(OpClusterDeactivateMasterIp())
    await cluster.run(OpClusterActivateMasterIp())
    assert changes(cluster) == [DOWN, UP]


async def test_it_moves_with_its_settings() -> None:
    cluster = SimCluster()
    await cluster.run(MOVE)
    assert address(cluster) == ("eth7", 24, True)
    assert changes(cluster) == [DOWN, UP]


async def test_what_is_so_already_moves_nothing() -> None:
    cluster = SimCluster()
    await cluster.run(MOVE)
    cluster.rpc_changes.clear()
    await cluster.run(MOVE)
    assert changes(cluster) == []


async def test_other_settings_are_kept_only_with_the_address() -> None:
    cluster = SimCluster()
    before = address(cluster), cluster.view.cluster.max_running_jobs
    op = make_op(OpClusterSetParams, master_netdev="eth7", max_running_jobs=3)
    async with cluster.held_up("node1", "node_activate_master_ip"):
        job = cluster.submit(op)
        await cluster.clock.sleep(1.0)
        await cluster.kill_master()
    await cluster.master()
    await cluster.clock.sleep(100.0)
    assert (address(cluster), cluster.view.cluster.max_running_jobs) == before
    assert await job is not None


async def test_no_instance_moves_while_it_does() -> None:
    cluster = SimCluster()
    async with cluster.lock_held("node1"):
        job = cluster.submit(MOVE)
        await cluster.clock.sleep(10.0)
        assert changes(cluster) == []
    await cluster.finished(job)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"master_netdev": ""}, "must have a name"),
        ({"master_netmask": 33}, "from 1 to 32"),
        ({"master_netmask": 0}, "from 1 to 32"),
    ],
)
async def test_refuses(parameters: dict[str, Any], said: str) -> None:
    op = make_op(OpClusterSetParams, **parameters)
    await assert_refused(SimCluster(), op, ECode.INVAL, said)


async def test_a_move_unwinds() -> None:
    await assert_unwinds(SimCluster, MOVE)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault(2, FaultKind.NOT_SENT), [DOWN, UP]),
        (Fault(3, FaultKind.NOT_SENT), [DOWN, DOWN, UP]),
        (Fault(3, FaultKind.ANSWER_LOST), [DOWN, UP, DOWN, UP]),
    ],
)
async def test_after_a_failed_move_the_address_is_up_as_before(
    fault: Fault, wanted: list[tuple[str, str]]
) -> None:
    cluster = SimCluster()
    await cluster.master()
    cluster.rpc_changes.clear()
    cluster.faults.arm(fault)
    await fails(cluster, MOVE)
    cluster.faults.disarm()
    assert [change for change in changes(cluster) if change in (UP, DOWN)] == wanted


async def test_a_silent_master_keeps_its_settings() -> None:
    cluster = SimCluster()
    before = address(cluster)
    cluster.nodes["node1"].dies_after = "node_deactivate_master_ip"
    await fails(cluster, MOVE)
    cluster.nodes["node1"].reachable = True
    assert address(cluster) == before


async def test_down_and_up_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(SimCluster, OpClusterDeactivateMasterIp())
    await assert_repeatable(SimCluster, OpClusterActivateMasterIp())
