"""Jobs that are cancelled: queued, waiting, running, and over a change of the master."""

import asyncio

from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.queueing import LONG, SHORT, limited, luxi, status


async def test_a_queued_job_is_cancelled() -> None:
    cluster = await limited(1)
    await cluster.submit(LONG)
    job = await cluster.submit(SHORT)
    assert (await (await luxi(cluster)).handle("CancelJob", [job, False]))[0]
    assert await status(cluster, job) == "canceled"


async def test_a_job_that_waits_for_locks_is_cancelled() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(1.0)
        assert await status(cluster, job) == "waiting"
        assert (await (await luxi(cluster)).handle("CancelJob", [job, False]))[0]
        await cluster.clock.sleep(1.0)
        assert await status(cluster, job) == "canceled"
    assert (await cluster.master()).locks.states() == []
    assert cluster.guest_states("web1") == {}


async def test_a_cancellation_that_was_answered_outlives_the_master() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(1.0)
        assert (await (await luxi(cluster)).handle("CancelJob", [job, False]))[0]
        await cluster.kill_master()
    await cluster.clock.sleep(10.0)
    assert await status(cluster, job) == "canceled"
    assert cluster.guest_states("web1") == {}


async def test_a_running_job_is_cancelled_only_by_force_and_unwound() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    async with cluster.held_up("node1", "instance_start"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(1.0)
        methods = await luxi(cluster)
        done, text = await methods.handle("CancelJob", [job, False])
        assert not done
        assert "--kill" in text
        assert (await methods.handle("CancelJob", [job, True]))[0]
        await cluster.clock.sleep(1.0)
    assert await status(cluster, job) == "canceled"
    after = cluster.footprint()
    after["instances/web1/admin_state"] = before["instances/web1/admin_state"]
    assert after == before
    assert (await cluster.master()).locks.states() == []


async def test_a_kill_while_it_is_unwound_changes_nothing() -> None:
    cluster = stopped()
    await cluster.master()
    async with cluster.held_up("node1", "blockdev_shutdown"):
        async with cluster.held_up("node1", "instance_start"):
            job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
            await cluster.clock.sleep(1.0)
            await (await luxi(cluster)).handle("CancelJob", [job, True])
            await cluster.clock.sleep(1.0)
        await (await luxi(cluster)).handle("CancelJob", [job, True])
        await cluster.clock.sleep(1.0)
        assert await status(cluster, job) == "canceling"
    await cluster.clock.sleep(1.0)
    assert await status(cluster, job) == "canceled"
    assert (await cluster.master()).locks.states() == []
    assert cluster.backend.keys(Table.JOURNAL) == []
    assert cluster.guest_states("web1") == {}


async def test_a_job_is_cancelled_before_its_task_has_begun() -> None:
    cluster = SimCluster()
    master = await cluster.master()
    job_id = await master.queue.submit([{"OP_ID": "OP_TEST_DELAY", "duration": 5.0}])
    for _ in range(100):
        if master.scheduler.running:
            break
        await asyncio.sleep(0)
    assert (await master.cancel(master.queue.get(job_id), kill=False))[0]
    await cluster.clock.sleep(1.0)
    assert await status(cluster, job_id) == "canceled"


async def test_a_finished_job_cannot_be_cancelled() -> None:
    cluster = SimCluster()
    job = cluster.submit(SHORT)
    await cluster.finished(job)
    assert not (await (await luxi(cluster)).handle("CancelJob", [await job, True]))[0]


async def test_an_unknown_job_cannot_be_cancelled() -> None:
    methods = await luxi(SimCluster())
    for method, *more in (("CancelJob",), ("CancelJob", True), ("ChangeJobPriority", 0)):
        answer = await methods.handle(str(method), [99, *more])
        assert list(answer) == [False, "Job 99 not found in queue"]
    assert await methods.handle("ArchiveJob", [99]) is False


async def test_a_job_that_was_killed_when_the_master_died_is_cancelled() -> None:
    cluster = stopped()
    async with cluster.held_up("node1", "blockdev_shutdown"):
        async with cluster.held_up("node1", "instance_start"):
            job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
            await cluster.clock.sleep(1.0)
            await (await luxi(cluster)).handle("CancelJob", [job, True])
            await cluster.clock.sleep(1.0)
        await cluster.kill_master()
    assert await status(cluster, job) == "canceled"
    assert cluster.guest_states("web1") == {}
