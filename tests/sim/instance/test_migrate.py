"""OP_INSTANCE_MIGRATE."""

import pytest

from pyganeti.model.enums import AdminState, MigrationMode
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceMigrate, OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
)
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import START, running, shared
from tests.sim.instance.make_migrating import OP, copy, primary, started


async def test_the_guest_goes_on_there() -> None:
    cluster = await started()
    record = cluster.nodes["node1"].guests.get("web1")
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.nodes["node2"].guests.get("web1") == record
    assert primary(cluster) == "node2"
    assert cluster.instance("web1").disks_active
    assert cluster.instance("web1").admin_state is AdminState.UP
    assert cluster.copies.doubles == []
    assert cluster.log(await job) == [
        "Migrating instance web1",
        "* checking disk consistency between source and target",
        "* opening the instance's disks on both nodes",
        "* preparing node2 to accept the instance",
        "* migrating instance to node2",
        "* starting memory transfer",
        "* memory transfer complete",
        "* done",
    ]


async def test_disks_are_handed_over_in_order() -> None:
    cluster = await started()
    await cluster.run(OP)
    assert changes(cluster) == [
        ("node1", "blockdev_open"),
        ("node2", "blockdev_assemble"),
        ("node2", "blockdev_open"),
        ("node2", "accept_instance"),
        ("node1", "instance_migrate"),
        ("node1", "migration_cancel"),
        ("node2", "instance_finalize_migration_dst"),
        ("node2", "instance_finalize_migration_dst"),
        ("node1", "instance_finalize_migration_src"),
        ("node1", "blockdev_close"),
        ("node1", "blockdev_shutdown"),
        ("node2", "blockdev_open"),
    ]


async def test_one_that_is_paused_stays_so() -> None:
    cluster = shared()
    await cluster.run(OpInstanceStartup(instance_name="web1", startup_paused=True))
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {"node2": "paused"}


async def test_goes_there_and_back() -> None:
    cluster = await started()
    before = cluster.footprint()
    await cluster.run(OP)
    await cluster.run(OpInstanceMigrate(instance_name="web1", target_node="node1"))
    assert cluster.footprint() == before


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({}, ECode.INVAL, "--target-node"),
        ({"target_node": "node1"}, ECode.STATE, "node1 is the primary node"),
        ({"target_node": "node2", "live": True, "mode": "live"}, ECode.INVAL, "only one of"),
    ],
)
async def test_refuses_wrong_words(parameters: dict[str, object], code: ECode, said: str) -> None:
    op = make_op(OpInstanceMigrate, **{"instance_name": "web1", **parameters})
    await assert_refused(await started(), op, code, said)


async def test_refuses_one_that_does_not_run() -> None:
    await assert_refused(shared(), OP, ECode.STATE, "does not run", "failover")
    cluster = await started()
    await cluster.set_admin_state("web1", AdminState.DOWN)
    await assert_refused(cluster, OP, ECode.STATE, "should not run", "--allow-failover")


async def test_refuses_disks_that_are_on_one_node_only() -> None:
    await assert_refused(await running(), OP, ECode.STATE, "file", "migrations")


async def test_refuses_a_target_that_has_a_copy_or_no_memory() -> None:
    cluster = await started()
    cluster.nodes["node2"].guests.put(copy(GuestRole.INCOMING))
    await assert_refused(cluster, OP, ECode.STATE, "node2", "--cleanup")
    cluster.nodes["node2"].guests.remove("web1")
    cluster.nodes["node2"].guests.put(Record("huge", 16384, 1, 0.0))
    await assert_refused(cluster, OP, ECode.NORES, "node2")


async def test_compares_the_nodes_and_says_what_differs() -> None:
    cluster = shared()
    cluster.nodes["node1"].traits = HostTraits(version="8.2.1")
    cluster.nodes["node2"].traits = HostTraits(version="7.2.0")
    await cluster.run(START)
    said = "its hypervisor has version 7.2.0, that of the source 8.2.1"
    await assert_refused(cluster, OP, ECode.ENVIRON, "node2", said)
    op = OpInstanceMigrate(instance_name="web1", target_node="node2", ignore_hvversions=True)
    job = cluster.submit(op)
    await cluster.finished(job)
    assert f"Warning: node node2: {said}" in cluster.log(await job)
    await cluster.run(OpInstanceMigrate(instance_name="web1", target_node="node1"))


async def test_fails_over_where_that_is_allowed() -> None:
    cluster = shared()
    op = OpInstanceMigrate(instance_name="web1", target_node="node2", allow_failover=True)
    job = cluster.submit(op)
    await cluster.finished(job)
    assert primary(cluster) == "node2"
    text = "Instance is marked down or offline, fallback allowed, switching to failover"
    assert cluster.log(await job)[0] == text


async def test_fails_over_one_that_always_does() -> None:
    cluster = SimCluster(options={"beparams": {"always_failover": True}})
    cluster.add_instance("web1", shared=True)
    await cluster.run(START)
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert "* shutting down instance on source node" in cluster.log(await job)


@pytest.mark.parametrize(
    ("mode", "default", "live"),
    [(None, "live", True), (None, "non-live", False), ("live", "non-live", True)],
)
async def test_the_cluster_says_how_unless_told(mode: str | None, default: str, live: bool) -> None:
    cluster = SimCluster(options={"hvparams": {"fake": {"migration_mode": default}}})
    cluster.add_instance("web1", shared=True)
    await cluster.run(START)
    wanted = None if mode is None else MigrationMode(mode)
    op = OpInstanceMigrate(instance_name="web1", target_node="node2", mode=wanted, dry_run=True)
    job = cluster.submit(op)
    await cluster.finished(job)
    how = "while it runs" if live else "while it stands still"
    assert cluster.log(await job) == [f"Dry run: would migrate web1 from node1 to node2 {how}"]


async def test_hooks_run_on_both_nodes() -> None:
    cluster = await started()
    await cluster.run(OP)
    hooks = [node for node, call in cluster.rpc_changes if call == "hooks_runner"]
    assert hooks == ["node1", "node2", "node1", "node2"]


# What may happen on the way.


# Cleanup.
