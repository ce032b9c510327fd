"""OP_INSTANCE_MIGRATE: a guest that has more memory than there is room for on its new node."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceMigrate, OpInstanceSetParams, OpInstanceStartup
from pyganeti.opcodes.node import OpNodeMigrate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import MEMORY_MIB
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, failed, fails, make_op
from tests.sim.instance.make import START, shared

LIMITS = make_op(OpInstanceSetParams, instance_name="web1", beparams={"minmem": 128, "maxmem": 512})


def migrate(**parameters: Any) -> OpInstanceMigrate:  # Any: opcode parameters
    return make_op(OpInstanceMigrate, instance_name="web1", target_node="node2", **parameters)


def with_room(cluster: SimCluster, mib: int) -> SimCluster:
    """``node2`` has so much free."""
    cluster.nodes["node2"].guests.put(Record("other", MEMORY_MIB - mib, 1, 0.0))
    return cluster


async def running(room: int, start: OpInstanceStartup = START) -> SimCluster:
    """``web1`` runs on ``node1`` with 512 MiB, of which it may give up all but 128."""
    cluster = with_room(shared(), room)
    await cluster.run(LIMITS)
    await cluster.run(start)
    cluster.rpc_changes.clear()
    return cluster


def memory(cluster: SimCluster, node: str) -> int:
    record = cluster.nodes[node].guests.get("web1")
    assert record is not None
    return record.memory


def where(cluster: SimCluster) -> list[str]:
    return [node for node, one in cluster.nodes.items() if one.guests.get("web1") is not None]


async def test_it_gives_up_what_the_target_does_not_have() -> None:
    cluster = await running(room=300)
    job = cluster.submit(migrate())
    await cluster.finished(job)
    assert where(cluster) == ["node2"]
    assert memory(cluster, "node2") == 300
    assert changes(cluster)[:2] == [
        ("node1", "instance_balloon_memory"),
        ("node1", "blockdev_open"),
    ]
    assert "* setting instance memory to 300" in cluster.log(await job)


@pytest.mark.parametrize("may_change", [True, False])
async def test_what_fits_stays_as_it_is(may_change: bool) -> None:
    cluster = await running(room=512)
    await cluster.run(migrate(allow_runtime_changes=may_change))
    assert memory(cluster, "node2") == 512
    assert "instance_balloon_memory" not in dict(changes(cluster)).values()


async def test_what_counts_is_what_it_has_by_now() -> None:
    cluster = await running(room=200)
    await cluster.run(make_op(OpInstanceSetParams, instance_name="web1", runtime_mem=200))
    await cluster.run(migrate(allow_runtime_changes=False))
    assert memory(cluster, "node2") == 200


async def test_it_keeps_what_it_must_have() -> None:
    await assert_refused(
        await running(room=127), migrate(), ECode.NORES, "has 512 MiB: free 127 MiB", "128 MiB"
    )
    cluster = await running(room=128)
    await cluster.run(migrate())
    assert memory(cluster, "node2") == 128


async def test_it_gives_up_nothing_where_that_is_not_wanted() -> None:
    cluster = await running(room=300)
    op = migrate(allow_runtime_changes=False)
    await assert_refused(cluster, op, ECode.NORES, "free 300 MiB", "not to be changed")
    assert memory(cluster, "node1") == 512


async def test_all_guests_of_a_node_are_told_the_same() -> None:
    cluster = await running(room=300)
    for wanted in (False, True):
        op = OpNodeMigrate(node_name="node1", target_node="node2", allow_runtime_changes=wanted)
        ((_, job),) = (await cluster.run(op))["jobs"]
        master = await cluster.master()
        await master.scheduler.idle()
        assert (master.queue.get(job).status == "success") is wanted
    assert memory(cluster, "node2") == 300


async def test_a_dry_run_tells() -> None:
    cluster = await running(room=300)
    job = cluster.submit(migrate(dry_run=True))
    await cluster.finished(job)
    said = "\n".join(cluster.log(await job))
    assert "change the memory of its guest from 512 to 300 MiB" in said
    assert memory(cluster, "node1") == 512


async def test_one_that_gives_up_nothing_stays() -> None:
    paused = OpInstanceStartup(instance_name="web1", startup_paused=True)
    cluster = await running(300, paused)
    error = await fails(cluster, migrate())
    assert "told to use 300 MiB and still has 512" in str(error)
    assert where(cluster) == ["node1"]
    assert memory(cluster, "node1") == 512


async def test_one_that_stays_gets_its_memory_back() -> None:
    cluster = await running(room=300)
    cluster.nodes["node1"].sending.clear()
    job = cluster.submit(migrate())
    while cluster.guest_states("web1").get("node1") != "outgoing":
        await cluster.clock.sleep(0.1)
    assert memory(cluster, "node1") == 300
    master = await cluster.master()
    assert (await master.cancel(master.queue.get(await job), kill=True))[0]
    await failed(cluster, job)
    assert where(cluster) == ["node1"]
    assert memory(cluster, "node1") == 512


async def test_one_that_arrived_after_all_keeps_what_it_has() -> None:
    """Its undo finds it on the target: there is no room to give anything back."""
    cluster = await running(room=300)
    cluster.nodes["node2"].dies_after = "instance_finalize_migration_dst"
    job = cluster.submit(migrate())
    await failed(cluster, job)
    cluster.nodes["node2"].dies_after = None
    cluster.nodes["node2"].reachable = True
    master = await cluster.master()
    await master.leftovers.retry()
    assert master.leftovers.lines() == []
    assert where(cluster) == ["node2"]
    assert memory(cluster, "node2") == 300
    assert "has not its former memory" not in "\n".join(cluster.log(await job))


async def test_can_be_asked_for_again_from_every_fault_point() -> None:
    await assert_repeatable(lambda: with_room(shared(), 300), migrate(), after=[LIMITS, START])
