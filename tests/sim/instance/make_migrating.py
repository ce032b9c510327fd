"""Guests to be migrated, and how far they are."""

import asyncio
from collections.abc import Callable

from pyganeti.model.enums import AdminState
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.noderpc.guests import (
    GuestRole,
)
from tests.sim.instance.make import START, shared

OP = OpInstanceMigrate(instance_name="web1", target_node="node2")
CLEANUP = OpInstanceMigrate(instance_name="web1", cleanup=True)


def on_third(*, admin_state: AdminState = AdminState.DOWN) -> SimCluster:
    """``web1`` on ``node3``, so that its node may die without the master."""
    cluster = SimCluster()
    cluster.add_instance("web1", node="node3", admin_state=admin_state, shared=True)
    return cluster


async def started(make: Callable[[], SimCluster] = shared) -> SimCluster:
    cluster = make()
    await cluster.run(START)
    cluster.rpc_changes.clear()
    return cluster


def copy(role: GuestRole) -> Record:
    return Record("web1", 128, 1, 0.0, role=role)


def primary(cluster: SimCluster) -> str:
    return cluster.view.node(cluster.instance("web1").primary_node).name


async def settled(cluster: SimCluster) -> None:
    """What was left to be undone is tried again; nothing is left then."""
    master = await cluster.master()
    await master.leftovers.retry()
    assert master.leftovers.lines() == []


async def until_outgoing(cluster: SimCluster, node: str = "node1") -> None:
    while cluster.guest_states("web1").get(node) != "outgoing":
        await cluster.clock.sleep(0.1)


async def left_behind() -> tuple[SimCluster, asyncio.Task[int]]:
    """A cluster whose third node fell silent after the guest had left it, and the job."""
    cluster = await started(on_third)
    cluster.nodes["node3"].dies_after = "instance_migrate"
    job = cluster.submit(OP)
    await job
    while cluster.guest_states("web1").get("node3") != "sent":
        await cluster.clock.sleep(0.1)
    return cluster, job
