"""What is said of jobs that wait."""

from typing import Any

import pytest

from pyganeti.master.jobs.leftovers import RETRY_S
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.luxi import LuxiMethods
from pyganeti.master.queue.waits import NAMED_AHEAD, QueueWait, WaitKind
from pyganeti.model.errors import OpPrereqError
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import failed, make_op
from tests.sim.instance.make import create

LONG = OpTestDelay(duration=1000.0)


async def queue_waits(cluster: SimCluster) -> list[QueueWait]:
    """What the scheduler says now."""
    return (await cluster.master()).scheduler.waits()


async def test_a_job_waits_for_the_one_it_depends_on() -> None:
    cluster = SimCluster()
    first = await cluster.submit(LONG)
    after = make_op(OpTestDelay, duration=1.0, depends=[[first, ["success"]]])
    second = await cluster.submit(after)
    await cluster.clock.sleep(1.0)
    received = (await cluster.master()).queue.get(second).received_timestamp
    (wait,) = await queue_waits(cluster)
    assert wait == QueueWait(second, WaitKind.DEPENDENCY, f"job {first}", received, (first,))
    await cluster.clock.sleep(2000.0)
    assert await queue_waits(cluster) == []


async def test_jobs_above_the_limit_wait_behind_those_that_run() -> None:
    cluster = SimCluster()
    await cluster.run(OpClusterSetParams(max_running_jobs=2))
    running = [await cluster.submit(LONG) for _ in range(2)]
    waiting = [await cluster.submit(LONG) for _ in range(NAMED_AHEAD + 2)]
    urgent = await cluster.submit(make_op(OpTestDelay, duration=1.0, priority=-10))
    await cluster.clock.sleep(1.0)
    waits = await queue_waits(cluster)
    order = [urgent, *waiting]
    assert [wait.job for wait in waits] == order
    assert {(wait.kind, wait.on) for wait in waits} == {(WaitKind.LIMIT, "max_running_jobs=2")}
    assert {wait.holders for wait in waits} == {tuple(running)}
    assert [wait.ahead for wait in waits] == [
        tuple(order[:place])[:NAMED_AHEAD] for place in range(len(order))
    ]
    assert [wait.place for wait in waits] == list(range(len(order)))


async def test_a_cancelled_job_waits_for_nothing() -> None:
    cluster = SimCluster()
    first = await cluster.submit(LONG)
    second = await cluster.submit(make_op(OpTestDelay, duration=1.0, depends=[[first, []]]))
    await cluster.clock.sleep(1.0)
    master = await cluster.master()
    await master.cancel(master.queue.get(second), kill=False)
    assert await queue_waits(cluster) == []


# --- all reasons, as a query answers them

FIELDS = ["id", "kind", "on", "lock", "mode", "holders", "ahead", "place"]


async def asked(cluster: SimCluster, *jobs: int) -> list[list[Any]]:
    """Values of the fields above; ``None`` where there is none. Any: of several types."""
    methods = LuxiMethods(await cluster.master())
    qfilter = ["|", *(["==", "id", job] for job in jobs)] if jobs else None
    answer = await methods.handle("Query", ["wait", FIELDS, qfilter])
    return [[value for _, value in row] for row in answer["data"]]


def locking(*nodes: str, duration: float = 1000.0) -> OpTestDelay:
    return OpTestDelay(duration=duration, on_master=False, on_nodes=nodes, no_locks=False)


async def test_a_query_tells_all_kinds_of_waits() -> None:
    cluster = SimCluster()
    first = await cluster.submit(locking("node1"))
    second = await cluster.submit(locking("node1", "node2"))
    await cluster.clock.sleep(1.0)
    third = await cluster.submit(locking("node2"))
    after = make_op(OpTestDelay, duration=1.0, depends=[[third, []]])
    fourth = await cluster.submit(after)
    await cluster.clock.sleep(1.0)
    node1, node2 = (f"node/{cluster.view.node(name).uuid}" for name in ("node1", "node2"))
    assert await asked(cluster) == [
        [first, "task", "test_delay on node1", None, None, [], [], 0],
        [second, "lock", "node/node1", node1, "exclusive", [first], [], 0],
        [third, "lock", "node/node2", node2, "exclusive", [], [second], 1],
        [fourth, "dependency", f"job {third}", None, None, [third], [], 0],
    ]
    assert [row[0] for row in await asked(cluster, third, first)] == [third, first]


async def test_whole_levels_are_called_as_in_the_list_of_locks() -> None:
    cluster = SimCluster()
    async with cluster.locks_held(LockRequest(shared_nodes=frozenset({ALL}))):
        job = await cluster.submit(locking("node1"))
        await cluster.clock.sleep(1.0)
        level = "node/[lockset]"
        assert await asked(cluster) == [[job, "lock", level, level, "shared", [], [], 0]]


async def test_a_wait_for_locks_counts_from_when_they_were_asked_for() -> None:
    cluster = SimCluster()
    job = cluster.submit(OpTestDelay(duration=100.0), locking("node1"))
    async with cluster.lock_held("node1"):
        await cluster.clock.sleep(500.0)
        methods = LuxiMethods(await cluster.master())
        answer = await methods.handle("Query", ["wait", ["since", "summary"], None])
        (((_, since), (_, summary)),) = answer["data"]
        ops = (await cluster.master()).queue.get(await job).ops
        assert since == ops[1].start_timestamp
        assert since == ops[0].end_timestamp
        assert summary == ["TEST_DELAY(100.0)", "TEST_DELAY(1000.0)"]


async def test_what_is_undone_late_counts_for_the_job_that_left_it() -> None:
    cluster = SimCluster()
    await cluster.master()
    cluster.nodes["node2"].dies_after = "instance_start"
    creation = cluster.submit(create(pnode="node2"))
    await failed(cluster, creation)
    cluster.nodes["node2"].dies_after, cluster.nodes["node2"].reachable = None, True
    async with cluster.held_up("node2", "instance_shutdown"):
        await cluster.clock.sleep(RETRY_S + 1.0)
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(1.0)
        (row,) = await asked(cluster, job)
        assert row[1:3] == ["lock", "instance/web1"]
        assert row[5] == [await creation]


async def test_a_job_that_does_not_wait_has_no_row_and_an_unknown_one_is_refused() -> None:
    cluster = SimCluster()
    job = await cluster.submit(LONG)
    assert await asked(cluster, job) == []
    with pytest.raises(OpPrereqError, match="77"):
        await asked(cluster, 77)
    methods = LuxiMethods(await cluster.master())
    told = await methods.handle("QueryFields", ["wait", None])
    assert len(told["fields"]) == 10
