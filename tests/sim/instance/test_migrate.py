"""OP_INSTANCE_MIGRATE."""

from collections.abc import Callable

import pytest

from pyganeti.model.enums import AdminState, MigrationMode
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceMigrate, OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
)
from tests.sim.asserting import assert_refused, changes, failed, fails, make_op
from tests.sim.instance.make import START, running, shared

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


async def test_can_be_asked_for_again_from_every_fault_point() -> None:
    made: list[SimCluster] = []

    def make() -> SimCluster:
        made.append(shared())
        return made[-1]

    await assert_repeatable(make, OP, after=[START])
    assert [cluster.copies.doubles for cluster in made] == [[]] * len(made)


async def test_a_master_that_dies_is_followed_by_one_that_goes_on_waiting() -> None:
    cluster = await started()
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(OP)
    await until_outgoing(cluster)
    await cluster.kill_master()
    await cluster.master()
    assert cluster.guest_states("web1") == {"node1": "outgoing", "node2": "incoming"}
    cluster.nodes["node1"].sending.set()
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert "still waiting for node1" in "\n".join(cluster.log(await job))


async def test_a_node_daemon_that_dies_is_waited_for() -> None:
    cluster = await started(on_third)
    cluster.nodes["node3"].sending.clear()
    job = cluster.submit(OP)
    await until_outgoing(cluster, "node3")
    await cluster.nodes["node3"].restart()
    await cluster.clock.sleep(5)
    cluster.nodes["node3"].sending.set()
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert "was restarted" in "\n".join(cluster.log(await job))


async def test_cancelled_it_goes_on_here() -> None:
    cluster = await started()
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(OP)
    await until_outgoing(cluster)
    master = await cluster.master()
    assert (await master.cancel(master.queue.get(await job), kill=True))[0]
    await failed(cluster, job)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert primary(cluster) == "node1"
    cluster.nodes["node1"].sending.set()
    await cluster.run(OP)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.copies.doubles == []


async def test_a_target_that_dies_on_the_way_costs_nothing() -> None:
    cluster = await started()
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(OP)
    await until_outgoing(cluster)
    cluster.nodes["node2"].reachable = False
    cluster.nodes["node2"].guests.remove("web1")
    cluster.nodes["node1"].sending.set()
    await failed(cluster, job)
    # Sent, and whether it arrived is not known: nothing runs before that is.
    assert cluster.guest_states("web1") == {"node1": "sent"}
    await cluster.mark_node("node2", offline=True)
    await cluster.run(CLEANUP)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert primary(cluster) == "node1"
    assert cluster.copies.doubles == []


async def test_a_target_that_comes_back_without_the_guest_lets_it_go_on_here() -> None:
    cluster = await started()
    cluster.nodes["node2"].dies_after = "accept_instance"
    await fails(cluster, OP)
    assert cluster.guest_states("web1") == {"node1": "running", "node2": "incoming"}
    cluster.nodes["node2"].dies_after = None
    cluster.nodes["node2"].reachable = True
    await settled(cluster)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.copies.doubles == []


async def test_a_source_that_dies_after_the_guest_left_does_not_get_it_back() -> None:
    cluster = await started(on_third)
    cluster.nodes["node3"].dies_after = "instance_migrate"
    job = cluster.submit(OP)
    await job
    while cluster.guest_states("web1").get("node3") != "sent":
        await cluster.clock.sleep(0.1)
    # By itself, as QEMU does it.
    cluster.nodes["node2"].guests.put(copy(GuestRole.RUNNING))
    await failed(cluster, job)
    assert primary(cluster) == "node2"
    assert cluster.guest_states("web1") == {"node2": "running", "node3": "sent"}
    cluster.nodes["node3"].reachable = True
    await settled(cluster)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.copies.doubles == []


async def test_what_was_sent_long_ago_never_runs_again() -> None:
    """The source falls silent, the guest goes further, the source is back."""
    cluster = await started(on_third)
    cluster.nodes["node3"].dies_after = "instance_migrate"
    job = cluster.submit(OP)
    await job
    while cluster.guest_states("web1").get("node3") != "sent":
        await cluster.clock.sleep(0.1)
    cluster.nodes["node2"].guests.put(copy(GuestRole.RUNNING))
    await failed(cluster, job)
    await cluster.mark_node("node3", offline=True)
    await cluster.run(OpInstanceMigrate(instance_name="web1", target_node="node1"))
    cluster.nodes["node3"].reachable = True
    await cluster.mark_node("node3", offline=False)
    await settled(cluster)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert primary(cluster) == "node1"
    assert cluster.copies.doubles == []


async def test_who_comes_after_it_works_where_the_guest_is() -> None:
    """Where it arrived is found out only when the next operation holds its locks."""
    cluster = await started(on_third)
    cluster.nodes["node3"].dies_after = "instance_migrate"
    job = cluster.submit(OP)
    await job
    while cluster.guest_states("web1").get("node3") != "sent":
        await cluster.clock.sleep(0.1)
    cluster.nodes["node2"].reachable = False
    cluster.nodes["node2"].guests.put(copy(GuestRole.RUNNING))
    await failed(cluster, job)
    assert primary(cluster) == "node3"
    await cluster.mark_node("node3", offline=True)
    cluster.nodes["node2"].reachable = True
    async with cluster.lock_held("node2"):
        job = cluster.submit(OpInstanceMigrate(instance_name="web1", target_node="node1"))
        await job
        await cluster.clock.sleep(10)
        assert cluster.guest_states("web1") == {"node2": "running", "node3": "sent"}
    await cluster.finished(job)
    assert primary(cluster) == "node1"
    assert cluster.guest_states("web1") == {"node1": "running", "node3": "sent"}
    assert cluster.copies.doubles == []


@pytest.mark.parametrize(("role", "goes_on"), [(GuestRole.LOST, True), (None, False)])
async def test_memory_counts_only_if_no_other_copy_can_have_run(
    role: GuestRole | None, goes_on: bool
) -> None:
    """A copy that ran has written to the disks; what the other remembers of them is wrong then."""
    cluster = await started()
    cluster.nodes["node1"].guests.put(copy(GuestRole.SENT))
    if role is not None:
        cluster.nodes["node2"].guests.put(copy(role))
    await cluster.run(CLEANUP)
    assert cluster.guest_states("web1") == {"node1": "running"}
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    assert (record.started == 0.0) is goes_on
    assert cluster.copies.doubles == []


# Cleanup.


@pytest.mark.parametrize(
    ("copies", "left"),
    [
        ({"node1": GuestRole.OUTGOING, "node2": GuestRole.INCOMING}, "node1"),
        ({"node1": GuestRole.RUNNING, "node2": GuestRole.INCOMING}, "node1"),
        ({"node1": GuestRole.SENT, "node2": GuestRole.INCOMING}, "node2"),
        ({"node1": GuestRole.SENT, "node2": GuestRole.RUNNING}, "node2"),
        ({"node1": GuestRole.SENT}, "node1"),
        ({"node1": GuestRole.SENT, "node2": GuestRole.LOST}, "node1"),
        ({"node1": GuestRole.RUNNING, "node2": GuestRole.LOST}, "node1"),
        ({"node2": GuestRole.RUNNING}, "node2"),
        ({"node1": GuestRole.RUNNING, "node3": GuestRole.SENT}, "node1"),
    ],
)
async def test_cleanup_leaves_one_copy_where_it_is_recorded(
    copies: dict[str, GuestRole], left: str
) -> None:
    cluster = await started()
    cluster.nodes["node1"].guests.remove("web1")
    for node, role in copies.items():
        cluster.nodes[node].guests.put(copy(role))
    await cluster.run(CLEANUP)
    assert cluster.guest_states("web1") == {left: "running"}
    assert primary(cluster) == left
    assert cluster.copies.doubles == []
    await cluster.run(CLEANUP)


async def test_cleanup_resumes_nothing_while_a_node_is_silent() -> None:
    cluster = await started()
    cluster.nodes["node1"].guests.put(copy(GuestRole.SENT))
    cluster.nodes["node3"].reachable = False
    await assert_refused(cluster, CLEANUP, ECode.ENVIRON, "node3")


async def test_cleanup_ends_what_waits_for_a_guest_that_is_gone() -> None:
    cluster = await started()
    cluster.nodes["node1"].guests.remove("web1")
    cluster.nodes["node2"].guests.put(copy(GuestRole.INCOMING))
    assert "gnt-instance startup" in str(await fails(cluster, CLEANUP))
    assert cluster.guest_states("web1") == {}
    await cluster.run(START)
    assert cluster.guest_states("web1") == {"node1": "running"}
