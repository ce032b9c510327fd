"""What is said of jobs that wait."""

from pyganeti.master.queue.waits import NAMED_AHEAD, QueueWait, WaitKind
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op

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
