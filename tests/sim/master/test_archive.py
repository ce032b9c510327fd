"""Archiving, and what the queue admits."""

import asyncio

import pytest

from pyganeti.master.queue.queue import MAX_OPCODES
from pyganeti.model.errors import OpPrereqError
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.master.queueing import LONG, SHORT, add_filter, delay, limited, luxi, settled, states

OP = {"OP_ID": "OP_TEST_DELAY", "duration": 0.0}


async def ended(cluster: SimCluster, count: int) -> list[int]:
    """Jobs that have ended."""
    answers = await (await luxi(cluster)).handle("SubmitManyJobs", [[[OP]] * count])
    await cluster.clock.sleep(1.0)
    return [job for _, job in answers]


async def test_age_counts_from_the_end() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    slow = await cluster.submit(delay(100.0))
    quick = await cluster.submit(SHORT)
    await cluster.clock.sleep(110.0)
    assert await methods.handle("AutoArchiveJobs", [50.0, 10.0]) == (1, 0)
    assert cluster.backend.keys(Table.ARCHIVE) == [str(quick)]
    await cluster.clock.sleep(50.0)
    assert await methods.handle("AutoArchiveJobs", [50.0, 10.0]) == (1, 0)
    assert cluster.backend.keys(Table.ARCHIVE) == sorted([str(quick), str(slow)])


async def test_a_cancelled_job_that_never_began_has_an_end() -> None:
    cluster = await limited(1)
    methods = await luxi(cluster)
    await cluster.submit(LONG)
    job = await cluster.submit(SHORT)
    await cluster.clock.sleep(100.0)
    await methods.handle("CancelJob", [job, False])
    # The job that set the limit.
    assert await methods.handle("AutoArchiveJobs", [50.0, 10.0]) == (1, 0)
    assert await methods.handle("AutoArchiveJobs", [0.0, 10.0]) == (0, 0)
    await cluster.clock.sleep(1.0)
    assert await methods.handle("AutoArchiveJobs", [0, 10]) == (1, 0)


async def test_it_stops_when_its_time_is_up() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    jobs = await ended(cluster, 250)
    assert await methods.handle("AutoArchiveJobs", [-1, 0]) == (100, 150)
    assert await methods.handle("AutoArchiveJobs", [-1, 10]) == (150, 0)
    assert await methods.handle("AutoArchiveJobs", [-1, 0]) == (0, 0)
    assert set(await states(cluster, jobs)) == {"success"}
    assert cluster.backend.keys(Table.JOB) == []


async def test_what_has_not_ended_stays() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    await add_filter(cluster, "PAUSE", ["opcode", ["=", "duration", 1.0]])
    jobs = [await cluster.submit(LONG), await cluster.submit(SHORT)]
    await settled(cluster)
    assert await methods.handle("AutoArchiveJobs", [-1, 10]) == (0, 0)
    for job in jobs:
        assert await methods.handle("ArchiveJob", [job]) is False
    assert await states(cluster, jobs) == ["running", "queued"]


async def test_an_archived_job_cannot_be_archived_or_cancelled() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    (job,) = await ended(cluster, 1)
    assert await methods.handle("ArchiveJob", [job]) is True
    assert await methods.handle("ArchiveJob", [job]) is False
    for method, args in (("CancelJob", [job, False]), ("ChangeJobPriority", [job, 10])):
        done, text = await methods.handle(method, args)
        assert (done, text) == (False, f"Job {job} not found in queue")


async def test_only_a_look_at_the_archive_lists_it() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    old, new = await ended(cluster, 2)
    await methods.handle("ArchiveJob", [old])
    every = ["|", ["?", "archived"], ["!", ["?", "archived"]]]
    for qfilter, found in (
        (None, [new]),
        (every, [old, new]),
        (["?", "archived"], [old]),
        (["==", "id", old], [old]),
    ):
        answer = await methods.handle("Query", ["job", ["id"], qfilter])
        assert [row[0][1] for row in answer["data"]] == found


async def test_a_job_of_too_many_opcodes_is_refused() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    with pytest.raises(OpPrereqError, match=f"{MAX_OPCODES + 1} opcodes: expected {MAX_OPCODES}"):
        await methods.handle("SubmitJob", [[OP] * (MAX_OPCODES + 1)])
    assert cluster.backend.keys(Table.JOB) == []
    job = await methods.handle("SubmitJob", [[OP] * MAX_OPCODES])
    await cluster.clock.sleep(60.0)
    assert await states(cluster, [job]) == ["success"]


@pytest.mark.parametrize("between", range(1, 9))
async def test_many_jobs_and_some_that_come_between(between: int) -> None:
    """Numbers stay unique over a restart, whichever submission was written first."""
    cluster = SimCluster()
    methods = await luxi(cluster)
    ids: list[int] = []

    async def one_by_one() -> None:
        for _ in range(between):
            ids.append(await methods.handle("SubmitJob", [[OP]]))
            await asyncio.sleep(0)

    many, _ = await asyncio.gather(methods.handle("SubmitManyJobs", [[[OP]] * 900]), one_by_one())
    ids += [job for _, job in many]
    assert len(set(ids)) == 900 + between
    await cluster.clock.sleep(10.0)
    assert set(await states(cluster, ids)) == {"success"}
    await methods.handle("AutoArchiveJobs", [-1, 60])
    await cluster.kill_master()
    assert await cluster.submit(SHORT) == max(ids) + 1
