"""That a job runs is told once it is durable; who is told so does not see it begin anew."""

from pyganeti.master.queue.job import Job
from pyganeti.model.enums import JobStatus
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.master.queueing import LONG, delay, luxi, status

FIELDS = ["status", "start_ts", "opexec", "opstatus"]


async def row(cluster: SimCluster, job: int) -> list[object]:
    """What clients are told of a job."""
    (found,) = await (await luxi(cluster)).handle("QueryJobs", [[job], FIELDS])
    return list(found)


def stored_status(cluster: SimCluster, job: int) -> str:
    """The state that the next master would find."""
    data = cluster.backend.load()[Table.JOB][str(job)]
    return Job.from_json(data).status


async def test_a_wait_on_the_master_that_was_seen_to_run_does_not_begin_anew() -> None:
    cluster = SimCluster()
    job = await cluster.submit(LONG)
    await cluster.clock.sleep(1.0)
    before = await row(cluster, job)
    assert before[0] == "running"
    await cluster.kill_master()
    after = await row(cluster, job)
    assert after[0] == "error"
    assert after[1:3] == before[1:3]
    ((result,),) = await (await luxi(cluster)).handle("QueryJobs", [[job], ["opresult"]])
    assert "the master daemon ended while the job ran" in str(result)


async def test_what_nobody_was_told_to_run_begins_when_there_is_a_master_again() -> None:
    cluster = SimCluster()
    job = await cluster.submit(delay(5.0))
    await cluster.clock.sleep(0.05)
    told = await row(cluster, job)
    assert (told[0], told[2]) == ("waiting", [None])
    # When it began to be looked at is no secret.
    assert told[1] is not None
    wait = [job, ["status", "opstatus"], [None, None], None, 60]
    said = await (await luxi(cluster)).handle("WaitForJobChange", wait)
    assert said == [["waiting", ["waiting"]], []]
    await cluster.kill_master()
    await cluster.master()
    await cluster.clock.sleep(6.0)
    assert await status(cluster, job) == "success"


async def test_the_store_has_what_clients_are_told_at_any_time() -> None:
    cluster = SimCluster()
    job = await cluster.submit(delay(0.5))
    for _ in range(60):
        await cluster.clock.sleep(0.01)
        told = await status(cluster, job)
        # Others may run between the answer and the look: the store may be ahead, never behind.
        if told == "running":
            assert stored_status(cluster, job) in ("running", "success")
        elif told == "success":
            assert stored_status(cluster, job) == "success"
    assert told == "success"


async def test_the_second_opcode_is_no_exception() -> None:
    cluster = SimCluster()
    job = await cluster.submit(OpTestDelay(duration=1.0), LONG)
    await cluster.clock.sleep(2.0)
    await cluster.kill_master()
    assert (await row(cluster, job))[3] == ["success", "error"]


async def test_who_waits_for_a_change_hears_that_it_runs() -> None:
    cluster = SimCluster()
    job = await cluster.submit(LONG)
    await cluster.clock.sleep(0.01)
    call = [job, ["status"], ["waiting"], None, 60]
    begin = cluster.clock.now()
    assert await (await luxi(cluster)).handle("WaitForJobChange", call) == [["running"], []]
    assert cluster.clock.now() - begin < 1.0


async def test_a_job_that_ends_at_once_is_written_twice_only() -> None:
    cluster = SimCluster()
    store = (await cluster.master()).around.store
    await cluster.clock.sleep(60.0)
    before = store.seq
    await cluster.run(OpTestDelay(duration=0.0))
    await cluster.clock.sleep(60.0)
    assert store.seq == before + 2


async def test_a_full_store_shows_jobs_as_waiting_until_it_has_room() -> None:
    cluster = SimCluster()
    job = await cluster.submit(delay(100.0))
    cluster.backend.full = True
    await cluster.clock.sleep(30.0)
    assert await status(cluster, job) == "waiting"
    cluster.backend.full = False
    await cluster.clock.sleep(30.0)
    assert await status(cluster, job) == "running"
    assert stored_status(cluster, job) is JobStatus.RUNNING


async def test_what_a_job_says_while_its_end_is_written_is_written_too() -> None:
    cluster = SimCluster()
    await cluster.replicated()
    job = await cluster.submit(delay(1.0))
    await cluster.clock.sleep(0.5)
    for name in ("node2", "node3"):
        cluster.nodes[name].reachable = False
    # Its end is the change of which the candidates are found not to have it.
    await cluster.clock.sleep(60.0)
    assert await status(cluster, job) == "success"
    said = [entry for entry in cluster.log(job) if "not replicated" in entry]
    assert len(said) == 1
    for node in cluster.nodes.values():
        node.reachable = True
    await cluster.kill_master()
    await cluster.master()
    assert [entry for entry in cluster.log(job) if "not replicated" in entry] == said
