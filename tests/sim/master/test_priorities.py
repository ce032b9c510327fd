"""Who is next: submitted priorities, and those that rise with the time waited."""

import pytest

from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import OpPrereqError, ParameterError
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.instance.make import stopped
from tests.sim.master.queueing import LONG, SHORT, delay, limited, luxi, settled, status

STEP = 1800.0


async def priorities(cluster: SimCluster, job: int) -> tuple[int, list[int]]:
    """Of the job and of its opcodes, as clients see them."""
    (row,) = await (await luxi(cluster)).handle("QueryJobs", [[job], ["priority", "oppriority"]])
    return row[0], row[1]


async def change(cluster: SimCluster, job: int, priority: int) -> None:
    done, text = await (await luxi(cluster)).handle("ChangeJobPriority", [job, priority])
    assert done, text


async def starts(cluster: SimCluster) -> list[int]:
    """A list that grows by each job that succeeds, in order."""
    order: list[int] = []
    (await cluster.master()).queue.subscribe(
        lambda job: order.append(job.id) if job.status is JobStatus.SUCCESS else None
    )
    return order


async def test_the_most_urgent_job_is_next_and_then_the_oldest() -> None:
    cluster = await limited(1)
    order = await starts(cluster)
    first = await cluster.submit(delay(10.0))
    low, early, high, late = [
        await cluster.submit(delay(1.0, priority=priority)) for priority in (10, 0, -10, 0)
    ]
    await cluster.clock.sleep(100.0)
    assert order == [first, high, early, late, low]


@pytest.mark.parametrize("priority", [-20, -11, 1, 19])
async def test_other_priorities_cannot_be_submitted(priority: int) -> None:
    cluster = SimCluster()
    op = {"OP_ID": "OP_TEST_DELAY", "duration": 1.0, "priority": priority}
    with pytest.raises(OpPrereqError, match="expected a priority: -10, 0 or 10"):
        await (await luxi(cluster)).handle("SubmitJob", [[op]])


# --- rising


async def test_a_queued_job_rises_by_one_each_half_hour() -> None:
    cluster = await limited(1)
    await cluster.submit(delay(1e6))
    job = await cluster.submit(SHORT, delay(1.0, priority=10))
    for steps in range(4):
        assert await priorities(cluster, job) == (-steps, [-steps, 10 - steps])
        await cluster.clock.sleep(STEP - 1.0)
        assert await priorities(cluster, job) == (-steps, [-steps, 10 - steps])
        await cluster.clock.sleep(1.1)
    await cluster.clock.sleep(STEP * 40)
    assert (await priorities(cluster, job))[0] == -20


async def test_who_has_waited_longer_overtakes_the_urgent() -> None:
    cluster = await limited(1)
    order = await starts(cluster)
    runs = await cluster.submit(delay(10 * STEP + 200.0))
    old = await cluster.submit(SHORT)
    await cluster.clock.sleep(50.0)
    high = await cluster.submit(delay(1.0, priority=-10))
    await cluster.clock.sleep(10 * STEP)
    # Ten steps above its beginning: as urgent as one that comes now with high priority.
    late = await cluster.submit(delay(1.0, priority=-10))
    await cluster.clock.sleep(300.0)
    assert order == [runs, high, old, late]


async def test_the_lowest_runs_in_the_end() -> None:
    """However many urgent jobs keep coming."""
    cluster = await limited(1)
    order = await starts(cluster)
    await cluster.submit(delay(3000.0))
    low = await cluster.submit(delay(1.0, priority=10))
    urgent = []
    for _ in range(30):
        urgent += [await cluster.submit(delay(3000.0, priority=-10)) for _ in range(2)]
        await cluster.clock.sleep(3000.0)
    assert low in order
    assert set(urgent) - set(order)


async def test_a_job_rises_while_it_waits_for_locks() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"), SHORT)
        await settled(cluster)
        assert await status(cluster, job) == "waiting"
        await cluster.clock.sleep(2.5 * STEP)
        assert await priorities(cluster, job) == (-2, [-2, -2])
    await cluster.clock.sleep(10.0)
    assert await status(cluster, job) == "success"
    assert await priorities(cluster, job) == (0, [-2, -2])


async def test_the_risen_is_first_at_its_locks() -> None:
    cluster = stopped()
    order = await starts(cluster)
    start = OpInstanceStartup(instance_name="web1")
    async with cluster.instance_held("web1"):
        early = await cluster.submit(start)
        await cluster.clock.sleep(11 * STEP)
        high = await cluster.submit(make_op(OpInstanceStartup, instance_name="web1", priority=-10))
        await settled(cluster)
        assert (await priorities(cluster, early))[0] == -11
    await cluster.clock.sleep(10.0)
    assert order == [early, high]


async def test_a_running_job_does_not_rise() -> None:
    cluster = SimCluster()
    job = await cluster.submit(delay(10 * STEP), SHORT)
    await cluster.clock.sleep(5 * STEP)
    assert await priorities(cluster, job) == (0, [0, 0])


async def test_the_time_waited_counts_over_a_restart() -> None:
    cluster = await limited(1)
    order = await starts(cluster)
    runs = await cluster.submit(delay(80000.0, on_master=False, on_nodes=("node2",)))
    job, changed = await cluster.submit(SHORT), await cluster.submit(SHORT)
    await cluster.clock.sleep(2.5 * STEP)
    await change(cluster, changed, 5)
    await cluster.kill_master()
    await cluster.master()
    await settled(cluster)
    assert (await priorities(cluster, job))[0] == -2
    assert (await priorities(cluster, changed))[0] == 5
    await cluster.clock.sleep(0.6 * STEP)
    assert (await priorities(cluster, job))[0] == -3
    assert (await priorities(cluster, changed))[0] == 5
    await cluster.clock.sleep(0.5 * STEP)
    assert (await priorities(cluster, changed))[0] == 4
    assert order == []
    assert await status(cluster, runs) == "running"


# --- changing


async def test_another_priority_counts_for_what_is_not_done() -> None:
    cluster = await limited(1)
    await cluster.submit(delay(10.0))
    slow, fast = await cluster.submit(SHORT), await cluster.submit(SHORT)
    await change(cluster, fast, -10)
    await cluster.clock.sleep(10.5)
    assert await status(cluster, fast) == "running"
    assert await status(cluster, slow) == "queued"


async def test_a_lowered_job_is_overtaken_and_rises_from_there() -> None:
    cluster = await limited(1)
    runs = await cluster.submit(delay(100 * STEP))
    first, second = await cluster.submit(LONG), await cluster.submit(LONG)
    await cluster.clock.sleep(30 * STEP)
    assert (await priorities(cluster, first))[0] == -20
    await change(cluster, first, 10)
    await cluster.clock.sleep(1.5 * STEP)
    assert (await priorities(cluster, first))[0] == 9
    await (await luxi(cluster)).handle("CancelJob", [runs, True])
    await settled(cluster)
    assert await status(cluster, second) == "running"


async def test_only_remaining_opcodes_of_a_running_job_change() -> None:
    cluster = SimCluster()
    job = await cluster.submit(SHORT, LONG, SHORT)
    await cluster.clock.sleep(10.0)
    await change(cluster, job, -10)
    assert await priorities(cluster, job) == (-10, [0, -10, -10])


async def test_a_job_that_waits_for_locks_moves() -> None:
    cluster = stopped()
    order = await starts(cluster)
    start = OpInstanceStartup(instance_name="web1")
    async with cluster.instance_held("web1"):
        first, second = await cluster.submit(start), await cluster.submit(start)
        await settled(cluster)
        await change(cluster, second, -10)
        # It goes on rising from there.
        await cluster.clock.sleep(1.5 * STEP)
        assert (await priorities(cluster, second))[0] == -11
    await cluster.clock.sleep(10.0)
    assert order == [second, first]


async def test_a_changed_priority_is_durable() -> None:
    cluster = await limited(1)
    await cluster.submit(delay(1e6))
    job = await cluster.submit(SHORT)
    await change(cluster, job, 7)
    await cluster.kill_master()
    assert await priorities(cluster, job) == (7, [7])


async def test_a_priority_out_of_range_is_refused() -> None:
    cluster = SimCluster()
    job = await cluster.submit(LONG)
    for wrong in (-21, 20):
        with pytest.raises(ParameterError, match=f"{wrong} is not between -20 and 19"):
            await (await luxi(cluster)).handle("ChangeJobPriority", [job, wrong])
    assert await priorities(cluster, job) == (0, [0])


async def test_a_finished_job_keeps_its_priority() -> None:
    cluster = SimCluster()
    job = cluster.submit(SHORT)
    await cluster.finished(job)
    done, text = await (await luxi(cluster)).handle("ChangeJobPriority", [await job, 10])
    assert not done
    assert text == f"Job {await job} is finished"
