"""OP_INSTANCE_MIGRATE: what dies on the way, and what cleans up behind it."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from pyganeti.wire.noderpc.guests import (
    GuestRole,
)
from tests.sim.asserting import assert_refused, failed, fails
from tests.sim.instance.make import START, shared
from tests.sim.instance.make_migrating import (
    CLEANUP,
    OP,
    copy,
    left_behind,
    on_third,
    primary,
    settled,
    started,
    until_outgoing,
)


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
    cluster, job = await left_behind()
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
    cluster, job = await left_behind()
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
    cluster, job = await left_behind()
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
