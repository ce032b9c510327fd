"""Buckets that reasons name."""

import pytest

from pyganeti.testing.cluster import SimCluster
from tests.sim.master.queueing import add_filter, delay, limited, luxi, settled, states


async def submitted(cluster: SimCluster, *reasons: str, duration: float = 10.0) -> int:
    trail = [["gnt:user", reason, 1] for reason in reasons]
    return await cluster.submit(delay(duration, reason=trail))


async def test_no_more_of_a_bucket_run_than_it_says() -> None:
    cluster = SimCluster()
    jobs = [await submitted(cluster, "rate-limit:2:pink") for _ in range(3)]
    other = await submitted(cluster, "rate-limit:1:pink")
    plain = await submitted(cluster, "x rate-limit:1:pink")
    await cluster.clock.sleep(1.0)
    assert await states(cluster, [*jobs, other, plain]) == [
        "running",
        "running",
        "queued",
        "running",
        "running",
    ]
    (wait,) = (await cluster.master()).scheduler.waits()
    assert (wait.job, wait.kind, wait.on) == (jobs[2], "rate-limit", "rate-limit:2:pink")
    assert wait.holders == tuple(jobs[:2])
    await cluster.clock.sleep(10.0)
    assert await states(cluster, jobs) == ["success", "success", "running"]


async def test_any_opcode_of_the_job_counts() -> None:
    cluster = SimCluster()
    trail = [["gnt:client", "x", 1], ["gnt:user", "rate-limit:1:pink", 1]]
    first = await cluster.submit(delay(5.0), delay(5.0, reason=trail))
    second = await submitted(cluster, "rate-limit:1:pink")
    await cluster.clock.sleep(1.0)
    assert await states(cluster, [first, second]) == ["running", "queued"]


async def test_a_job_in_two_buckets_waits_for_both() -> None:
    cluster = SimCluster()
    one = await submitted(cluster, "rate-limit:1:a", duration=10.0)
    two = await submitted(cluster, "rate-limit:1:b", duration=20.0)
    both = await submitted(cluster, "rate-limit:1:a", "rate-limit:1:b", duration=10.0)
    late = await submitted(cluster, "rate-limit:1:a", duration=10.0)
    jobs = [one, two, both, late]
    await cluster.clock.sleep(15.0)
    # Nobody is overtaken in a bucket, so that who needs two of them gets them.
    assert await states(cluster, jobs) == ["success", "running", "queued", "queued"]
    await cluster.clock.sleep(10.0)
    assert await states(cluster, jobs) == ["success", "success", "running", "queued"]
    await cluster.clock.sleep(10.0)
    assert await states(cluster, jobs) == ["success", "success", "success", "running"]


async def test_a_cancelled_job_lets_the_next_go() -> None:
    cluster = SimCluster()
    jobs = [await submitted(cluster, "rate-limit:1:a") for _ in range(3)]
    await settled(cluster)
    methods = await luxi(cluster)
    await methods.handle("CancelJob", [jobs[1], False])
    await methods.handle("CancelJob", [jobs[0], True])
    await settled(cluster)
    assert await states(cluster, jobs) == ["canceled", "canceled", "running"]


async def test_a_bucket_and_a_filter_both_hold() -> None:
    cluster = SimCluster()
    await add_filter(cluster, ["RATE_LIMIT", 2])
    jobs = [await submitted(cluster, "rate-limit:1:a") for _ in range(2)]
    jobs += [await submitted(cluster, "") for _ in range(2)]
    await settled(cluster)
    # The second of the bucket stands before the others in the filter's line.
    assert await states(cluster, jobs) == ["running", "queued", "queued", "queued"]
    await cluster.clock.sleep(10.5)
    assert await states(cluster, jobs) == ["success", "running", "running", "queued"]


@pytest.mark.parametrize("priority", [-10, 0])
async def test_the_urgent_is_first_in_the_bucket(priority: int) -> None:
    cluster = await limited(2)
    trail = [["gnt:user", "rate-limit:1:a", 1]]
    first = await cluster.submit(delay(10.0, reason=trail))
    low = await cluster.submit(delay(10.0, reason=trail, priority=10))
    urgent = await cluster.submit(delay(10.0, reason=trail, priority=priority))
    await cluster.clock.sleep(11.0)
    assert await states(cluster, [first, low, urgent]) == ["success", "queued", "running"]


async def test_places_and_buckets_hold_over_a_restart() -> None:
    cluster = SimCluster()
    # What waits for a node goes on when there is another master.
    op = delay(
        10.0, on_master=False, on_nodes=("node2",), reason=[["gnt:user", "rate-limit:1:a", 1]]
    )
    jobs = [await cluster.submit(op) for _ in range(3)]
    await settled(cluster)
    await cluster.kill_master()
    await cluster.master()
    await settled(cluster)
    assert await states(cluster, jobs) == ["running", "queued", "queued"]
    await cluster.clock.sleep(40.0)
    assert await states(cluster, jobs) == ["success"] * 3
