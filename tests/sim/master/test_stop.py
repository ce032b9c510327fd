"""A clean stop: nothing new begins, what runs may end, what only waits is left to the next."""

import pytest

from pyganeti.master.app import Master
from pyganeti.model.enums import JobStatus, TagKind
from pyganeti.model.errors import JobQueueError
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterSetParams, OpClusterVerify
from pyganeti.opcodes.codec import encode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import create, stopped

SCRIPT = "noop/create"
START = OpInstanceStartup(instance_name="web1")


def tag(name: str) -> OpTagsSet:
    return OpTagsSet(kind=TagKind.CLUSTER, tags=(name,))


async def submitted(cluster: SimCluster, *ops: Opcode) -> int:
    """A job that has had time to begin."""
    job = await cluster.submit(*ops)
    await cluster.clock.sleep(1.0)
    return job


def status(master: Master, job: int) -> JobStatus:
    return master.queue.get(job).status


async def test_running_jobs_may_end_and_no_other_begins() -> None:
    cluster = SimCluster()
    await cluster.run(OpClusterSetParams(max_running_jobs=1))
    runs = await submitted(cluster, OpTestDelay(duration=10.0))
    queued = await submitted(cluster, OpTestDelay(duration=10.0))
    master = await cluster.master()
    assert await master.close() == [runs]
    with pytest.raises(JobQueueError, match="stopping"):
        await master.queue.submit([encode(OpTestDelay(duration=1.0))])
    assert await master.finish_running(60.0) == []
    assert status(master, runs) is JobStatus.SUCCESS
    await cluster.clock.sleep(100.0)
    assert status(master, queued) is JobStatus.QUEUED


async def test_what_does_not_end_in_time_is_left_to_the_next_master() -> None:
    cluster = SimCluster()
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = await submitted(cluster, create())
    master = await cluster.master()
    before = cluster.clock.monotonic()
    assert await master.close() == [job]
    assert await master.finish_running(60.0) == [job]
    assert cluster.clock.monotonic() - before == pytest.approx(60.0, abs=1.0)
    await cluster.kill_master()
    assert status(await cluster.master(), job) is JobStatus.RUNNING
    programs.release()
    await cluster.clock.sleep(5.0)
    assert status(await cluster.master(), job) is JobStatus.SUCCESS


async def test_a_job_that_waits_for_locks_is_queued_again() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await submitted(cluster, START)
        master = await cluster.master()
        assert status(master, job) is JobStatus.WAITING
        assert await master.close() == []
        assert status(master, job) is JobStatus.QUEUED
    await cluster.clock.sleep(10.0)
    assert status(master, job) is JobStatus.QUEUED
    await cluster.kill_master()
    await cluster.master()
    await cluster.clock.sleep(5.0)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_with_secrets_it_is_waited_for_since_the_next_master_has_none() -> None:
    cluster = SimCluster()
    async with cluster.instance_held("web1"):
        job = await submitted(cluster, create(osparams_secret={"message": "hush"}))
        master = await cluster.master()
        assert await master.close() == [job]
    assert await master.finish_running(60.0) == []
    assert status(master, job) is JobStatus.SUCCESS


async def test_opcodes_that_have_not_begun_are_left_too() -> None:
    cluster = SimCluster()
    await cluster.master()
    job = await submitted(cluster, OpTestDelay(duration=10.0), tag("later"))
    master = await cluster.master()
    await master.close()
    assert await master.finish_running(60.0) == []
    assert status(master, job) is JobStatus.QUEUED
    assert "later" not in cluster.view.cluster.tags
    await cluster.kill_master()
    await cluster.master()
    await cluster.clock.sleep(5.0)
    assert "later" in cluster.view.cluster.tags
    assert status(await cluster.master(), job) is JobStatus.SUCCESS


async def test_a_running_job_may_queue_the_jobs_it_is_made_of() -> None:
    cluster = SimCluster()
    master = await cluster.master()
    job = await cluster.submit(OpClusterVerify())
    while status(master, job) is not JobStatus.RUNNING:
        await cluster.clock.sleep(0.0)
    assert await master.close() == [job]
    assert await master.finish_running(60.0) == []
    assert status(master, job) is JobStatus.SUCCESS
    (op,) = master.queue.get(job).ops
    made = op.result["jobs"]
    assert made
    trails = [master.queue.get(number).ops[0].input["reason"] for _, number in made]
    # They inherit its reasons.
    assert [trail[:-1] for trail in trails] == [op.input["reason"]] * len(made)
    assert all(status(master, number) is JobStatus.QUEUED for _, number in made)
