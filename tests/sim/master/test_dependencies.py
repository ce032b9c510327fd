"""Jobs that depend on others."""

import pytest

from pyganeti.store.interface import Batch, Delete, Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.queueing import (
    LONG,
    RESUMED,
    SHORT,
    delay,
    limited,
    luxi,
    settled,
    states,
    status,
)


async def result(cluster: SimCluster, job: int) -> str:
    ((found,),) = await (await luxi(cluster)).handle("QueryJobs", [[job], ["opresult"]])
    return str(found[0])


@pytest.mark.parametrize(
    ("accepted", "ends"),
    [(["success"], "success"), ([], "success"), (["error"], "error"), (["canceled"], "error")],
)
async def test_a_job_waits_for_the_one_it_depends_on(accepted: list[str], ends: str) -> None:
    cluster = SimCluster()
    first = await cluster.submit(delay(100.0))
    second = await cluster.submit(delay(1.0, depends=[[first, accepted]]))
    await cluster.clock.sleep(50.0)
    assert await status(cluster, second) == "queued"
    await cluster.clock.sleep(60.0)
    assert await status(cluster, second) == ends
    if ends == "error":
        said = f"depends on job {first} to end as {accepted[0]}, but it ended as success"
        assert said in await result(cluster, second)


@pytest.mark.parametrize(
    ("accepted", "ends"),
    [(["error"], "success"), ([], "success"), (["success"], "error"), (["canceled"], "error")],
)
async def test_a_failed_dependency(accepted: list[str], ends: str) -> None:
    cluster = stopped()
    first = await cluster.submit(SHORT, delay(1.0, on_nodes=["node99"]))
    second = await cluster.submit(delay(1.0, depends=[[first, accepted]]))
    await cluster.clock.sleep(10.0)
    assert await states(cluster, [first, second]) == ["error", ends]


@pytest.mark.parametrize("accepted", [[], ["success"], ["success", "error"]])
async def test_a_cancelled_dependency_cancels_all_who_did_not_list_it(accepted: list[str]) -> None:
    cluster = SimCluster()
    first = await cluster.submit(LONG)
    second = await cluster.submit(delay(1.0, depends=[[first, accepted]]))
    third = await cluster.submit(delay(1.0, depends=[[second, accepted]]))
    await (await luxi(cluster)).handle("CancelJob", [first, True])
    await cluster.clock.sleep(1.0)
    assert await states(cluster, [second, third]) == ["canceled", "canceled"]
    assert f"job {first}, on which it depends" in await result(cluster, second)
    assert f"job {second}, on which it depends" in await result(cluster, third)


async def test_a_job_that_accepts_the_cancellation_runs() -> None:
    cluster = SimCluster()
    first = await cluster.submit(LONG)
    second = await cluster.submit(delay(1.0, depends=[[first, ["canceled"]]]))
    await (await luxi(cluster)).handle("CancelJob", [first, True])
    await cluster.clock.sleep(5.0)
    assert await status(cluster, second) == "success"


async def test_a_dependency_that_is_gone_is_an_error() -> None:
    cluster = SimCluster()
    gone = cluster.submit(SHORT)
    await cluster.finished(gone)
    await (await luxi(cluster)).handle("ArchiveJob", [await gone])
    store = (await cluster.master()).around.store
    await store.commit(Batch((Delete(Table.ARCHIVE, str(await gone)),)))
    second = await cluster.submit(delay(1.0, depends=[[await gone, []]]))
    await settled(cluster)
    assert await status(cluster, second) == "error"
    assert f"job {await gone}, which does not exist" in await result(cluster, second)


async def test_an_archived_dependency_counts() -> None:
    cluster = SimCluster()
    job = cluster.submit(SHORT)
    await cluster.finished(job)
    assert await (await luxi(cluster)).handle("ArchiveJob", [await job])
    await cluster.run(delay(1.0, depends=[[await job, ["success"]]]))


@pytest.mark.parametrize("ahead", [0, 1, 70])
async def test_itself_and_later_jobs_are_errors(ahead: int) -> None:
    cluster = SimCluster()
    first = await cluster.submit(SHORT)
    job = await cluster.submit(delay(1.0, depends=[[first + 1 + ahead, []]]))
    later = await cluster.submit(SHORT)
    await settled(cluster)
    assert await states(cluster, [job, later]) == ["error", "running"]
    assert f"depends on job {first + 1 + ahead}, which does not exist" in await result(cluster, job)


async def test_jobs_of_one_submission_cannot_wait_for_each_other() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    op = {"OP_ID": "OP_TEST_DELAY", "duration": 5.0}
    jobs = [[{**op, "depends": [[2, []]]}], [{**op, "depends": [[1, ["error"]]]}]]
    assert await methods.handle("SubmitManyJobs", [jobs]) == [(True, 1), (True, 2)]
    await cluster.clock.sleep(10.0)
    assert await states(cluster, [1, 2]) == ["error", "success"]


async def test_a_job_that_depends_on_several_waits_for_all() -> None:
    cluster = SimCluster()
    first, second = await cluster.submit(delay(10.0)), await cluster.submit(delay(20.0))
    third = await cluster.submit(
        delay(1.0, depends=[[first, []]]), delay(1.0, depends=[[str(second), []]])
    )
    await cluster.clock.sleep(15.0)
    assert await states(cluster, [first, second, third]) == ["success", "running", "queued"]
    await cluster.clock.sleep(15.0)
    assert await status(cluster, third) == "success"


async def test_relative_numbers_count_back_within_a_submission() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    op = {"OP_ID": "OP_TEST_DELAY", "duration": 5.0}
    jobs = [
        [op],
        [{**op, "depends": [[-1, ["success"]]]}],
        [{**op, "duration": "x"}],
        [{**op, "depends": [[-3, []], ["-1", []]]}],
        [{**op, "depends": [[-2, []]]}],
        [{**op, "depends": [[-6, []]]}],
        [{**op, "depends": [[0, []]]}],
    ]
    answers = await methods.handle("SubmitManyJobs", [jobs])
    assert [ok for ok, _ in answers] == [True, True, False, False, False, False, False]
    first, second, _, refused, after_it, too_far, zero = (found for _, found in answers)
    assert "-1 names no job of this submission, which was refused" in refused
    assert "-2 names no job of this submission, which was refused" in after_it
    assert too_far == "dependency -6 names no job of this submission"
    assert zero == "dependency 0 names no job of this submission"
    ((ops,),) = await methods.handle("QueryJobs", [[second], ["ops"]])
    assert ops[0]["depends"] == [[first, ["success"]]]
    await cluster.clock.sleep(20.0)
    assert await status(cluster, second) == "success"


async def test_dependencies_hold_over_a_restart() -> None:
    cluster = await limited(1)
    first = await cluster.submit(RESUMED)
    waits = await cluster.submit(delay(10.0))
    after = await cluster.submit(delay(1.0, depends=[[waits, ["success"]]]))
    never = await cluster.submit(delay(1.0, depends=[[first, ["success"]]]))
    await settled(cluster)
    await cluster.kill_master()
    await (await luxi(cluster)).handle("CancelJob", [first, True])
    await cluster.clock.sleep(5.0)
    found = await states(cluster, [first, waits, after, never])
    assert found == ["canceled", "running", "queued", "canceled"]
    await cluster.clock.sleep(10.0)
    assert await states(cluster, [waits, after]) == ["success", "success"]


async def test_a_chain_of_a_thousand_falls_at_once() -> None:
    cluster = SimCluster()
    first = await cluster.submit(LONG)
    chain = [first]
    for _ in range(1000):
        chain.append(await cluster.submit(delay(1.0, depends=[[chain[-1], []]])))
    await (await luxi(cluster)).handle("CancelJob", [first, True])
    await cluster.clock.sleep(1.0)
    assert set(await states(cluster, chain)) == {"canceled"}
