"""A job's way through queue, scheduler and processor."""

import asyncio

import pytest

from pyganeti.master.changes import cluster_fields
from pyganeti.model.enums import ExportMode, JobStatus, TagKind
from pyganeti.model.errors import (
    JobLost,
    JobQueueDrainError,
    OpCodeUnknown,
    OpPrereqError,
)
from pyganeti.opcodes.backup import OpBackupPrepare
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceShutdown, OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import failed, fails
from tests.sim.instance.make import create, running, stopped
from tests.sim.master.queueing import LONG, SHORT, delay, limited, luxi, status

# --- order


async def test_no_more_jobs_run_than_the_limit() -> None:
    cluster = await limited(2)
    jobs = [cluster.submit(LONG) for _ in range(5)]
    ids = [await job for job in jobs]
    await cluster.clock.sleep(10.0)
    assert [await status(cluster, job_id) for job_id in ids] == ["running"] * 2 + ["queued"] * 3


async def test_a_higher_limit_counts_at_once() -> None:
    cluster = await limited(1)
    jobs = [await cluster.submit(LONG) for _ in range(3)]
    config = (await cluster.master()).config
    await config.commit(cluster_fields(max_running_jobs=3))
    await cluster.clock.sleep(1.0)
    assert [await status(cluster, job_id) for job_id in jobs] == ["running"] * 3


# --- several opcodes


async def test_opcodes_run_one_after_another() -> None:
    cluster = stopped()
    await cluster.run(
        OpInstanceStartup(instance_name="web1"), OpInstanceShutdown(instance_name="web1")
    )
    assert cluster.guest_states("web1") == {}


async def test_those_after_a_failed_one_do_not_run() -> None:
    cluster = stopped()
    start = OpInstanceStartup(instance_name="web1")
    job = cluster.submit(SHORT, OpInstanceStartup(instance_name="web9"), start)
    await failed(cluster, job)
    ops = (await cluster.master()).queue.get(await job).ops
    assert [op.status for op in ops] == [JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.ERROR]
    assert ops[1].result[0] == "OpPrereqError"
    assert ops[2].result == ["OpExecError", ["Preceding opcode failed"]]
    assert cluster.guest_states("web1") == {}


async def test_an_opcode_says_at_the_end_of_its_reasons_which_it_is() -> None:
    cluster = SimCluster()
    job = await cluster.submit(SHORT, delay(reason=[["gnt:user", "why", 17]]))
    first, second = (await cluster.master()).queue.get(job).ops
    moment = int(cluster.clock.now() * 1_000_000) * 1000
    assert first.input["reason"] == [("gnt:opcode:test_delay", f"job={job};index=0", moment)]
    assert second.input["reason"] == [
        ("gnt:user", "why", 17),
        ("gnt:opcode:test_delay", f"job={job};index=1", moment),
    ]


NOT_BUILT = OpBackupPrepare(instance_name="web1", mode=ExportMode.REMOTE)


async def test_an_opcode_that_is_not_built_is_refused_when_it_runs() -> None:
    assert "not built yet" in str(await fails(SimCluster(), NOT_BUILT))


async def test_a_wrong_opcode_is_refused_at_submission() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    for wrong, error in (
        ([{"OP_ID": "OP_UNKNOWN"}], OpCodeUnknown),
        ([{"OP_ID": "OP_TEST_DELAY", "duration": "x"}], OpPrereqError),
        ([], OpPrereqError),
    ):
        with pytest.raises(error):
            await methods.handle("SubmitJob", [wrong])
    assert cluster.backend.keys(Table.JOB) == []


# --- cancelling


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


# --- dry run, secrets, drain


async def test_a_dry_run_ends_before_hooks() -> None:
    cluster = stopped()
    cluster.nodes["node1"].put_hook("instance-start-pre.d/10-log")
    await cluster.run(OpInstanceStartup(instance_name="web1", dry_run=True))
    assert cluster.guest_states("web1") == {}
    assert cluster.nodes["node1"].programs.ran == []


SECRET = {
    "OP_ID": "OP_INSTANCE_REINSTALL",
    "instance_name": "web1",
    "osparams_secret": {"message": "sesame"},
    "osparams_private": {"message": "private"},
}


def stored(cluster: SimCluster) -> bytes:
    contents = cluster.backend.dump().contents
    return b"".join(value for rows in contents.values() for value in rows.values())


async def test_secrets_are_never_stored() -> None:
    cluster = stopped()
    methods = await luxi(cluster)
    job_id = await methods.handle("SubmitJob", [[SECRET]])
    assert b"sesame" not in stored(cluster)
    assert b"<redacted>" in stored(cluster)
    await cluster.clock.sleep(60.0)
    assert await status(cluster, job_id) == "success"
    assert b"sesame" not in stored(cluster)
    for node in cluster.nodes.values():
        assert b"sesame" not in repr(node.backend.dump()).encode()


async def test_answers_show_neither_secret_nor_private_values() -> None:
    cluster = stopped()
    methods = await luxi(cluster)
    job_id = await methods.handle("SubmitJob", [[SECRET]])
    fields = ["ops", "opresult", "oplog", "summary"]
    rows = await methods.handle("QueryJobs", [[job_id], fields])
    waited = await methods.handle("WaitForJobChange", [job_id, fields, None, None, 1.0])
    asked = await methods.handle("Query", ["job", ["id", "ops"], None])
    for answer in (rows, waited, asked):
        assert "sesame" not in repr(answer)
        assert "private" not in repr(answer).replace("osparams_private", "")
        assert "<redacted>" in repr(answer)


async def test_a_job_whose_secrets_were_lost_ends_and_says_so() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job_id = await (await luxi(cluster)).handle("SubmitJob", [[SECRET]])
        await cluster.clock.sleep(1.0)
        await cluster.kill_master()
        with pytest.raises(RuntimeError, match="no master"):
            cluster.log(job_id)
        assert await status(cluster, job_id) == "error"
        ((result,),) = await (await luxi(cluster)).handle("QueryJobs", [[job_id], ["opresult"]])
    assert "secret" in str(result)


async def test_a_drained_queue_takes_no_jobs_but_those_that_insist() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    await methods.handle("SetDrainFlag", [True])
    op = [{"OP_ID": "OP_TEST_DELAY", "duration": 1.0}]
    with pytest.raises(JobQueueDrainError):
        await methods.handle("SubmitJob", [op])
    assert await methods.handle("SubmitJobToDrainedQueue", [op]) == 1
    await cluster.kill_master()
    with pytest.raises(JobQueueDrainError):
        await (await luxi(cluster)).handle("SubmitJob", [op])
    await (await luxi(cluster)).handle("SetDrainFlag", [False])
    assert await (await luxi(cluster)).handle("SubmitJob", [op]) == 2


# --- watching


async def test_log_entries_are_numbered_over_the_whole_job() -> None:
    cluster = stopped()
    job = cluster.submit(create("web2"), create("web3"))
    await cluster.finished(job)
    ops = (await cluster.master()).queue.get(await job).ops
    serials = [entry[0] for op in ops for entry in op.log]
    assert serials == list(range(1, len(serials) + 1))
    assert len(ops[1].log) > 1


async def test_who_waits_is_told_of_changes_and_of_new_entries_only() -> None:
    cluster = await running()
    methods = await luxi(cluster)
    job = await cluster.submit(delay(30.0))
    fields = ["status", "start_ts"]
    values, entries = await methods.handle("WaitForJobChange", [job, fields, None, None, 10.0])
    while values[0] != "running":
        values, entries = await methods.handle("WaitForJobChange", [job, fields, values, 0, 10.0])
    assert await methods.handle("WaitForJobChange", [job, fields, values, 0, 5.0]) == "nochange"
    record = (await cluster.master()).queue.get(job)
    record.add_log(0, (1, 2), "message", "first")
    _, entries = await methods.handle("WaitForJobChange", [job, fields, values, 0, 5.0])
    assert [(serial, text) for serial, _, _, text in entries] == [(1, "first")]
    assert await methods.handle("WaitForJobChange", [job, fields, values, 1, 5.0]) == "nochange"
    values, entries = await methods.handle("WaitForJobChange", [job, fields, values, 1, 50.0])
    assert values[0] == "success"
    assert entries == []


async def test_waiting_for_a_finished_job_returns_at_once() -> None:
    cluster = SimCluster()
    job = cluster.submit(SHORT)
    await cluster.finished(job)
    values, _ = await (await luxi(cluster)).handle(
        "WaitForJobChange", [await job, ["status"], ["success"], 0, 10.0]
    )
    assert values == ["success"]


async def test_waiting_for_an_unknown_job_is_refused() -> None:
    with pytest.raises(JobLost):
        await (await luxi(SimCluster())).handle("WaitForJobChange", [9, ["status"], None, 0, 1.0])


# --- archive


async def test_old_jobs_are_archived() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    old = cluster.submit(SHORT)
    await cluster.finished(old)
    await cluster.clock.sleep(100.0)
    new = cluster.submit(SHORT)
    await cluster.finished(new)
    running_job = await cluster.submit(LONG)
    await cluster.clock.sleep(1.0)
    assert await methods.handle("AutoArchiveJobs", [50.0, 10.0]) == (1, 0)
    assert cluster.backend.keys(Table.ARCHIVE) == [str(await old)]
    assert await methods.handle("AutoArchiveJobs", [-1.0, 10.0]) == (1, 0)
    assert await status(cluster, running_job) == "running"
    assert await status(cluster, await old) == "success"


async def test_a_job_that_runs_is_not_archived() -> None:
    cluster = SimCluster()
    job = await cluster.submit(LONG)
    assert await (await luxi(cluster)).handle("ArchiveJob", [job]) is False


# --- restart


async def test_jobs_go_on_after_a_restart() -> None:
    cluster = stopped()
    await cluster.run(OpClusterSetParams(max_running_jobs=2))
    start = OpInstanceStartup(instance_name="web1")
    finished = cluster.submit(SHORT)
    await cluster.finished(finished)
    async with cluster.instance_held("web1"):
        waiting = await cluster.submit(start)
        async with cluster.held_up("node2", "instance_start"):
            ran = await cluster.submit(create("web2", pnode="node2"))
            queued = await cluster.submit(SHORT)
            await cluster.clock.sleep(5.0)
            before = [await status(cluster, job) for job in (waiting, ran, queued)]
            assert before == ["waiting", "running", "queued"]
            await cluster.kill_master()
        await cluster.master()
    await cluster.clock.sleep(10.0)
    jobs = (await finished, waiting, ran, queued)
    assert [await status(cluster, job) for job in jobs] == [
        "success",
        "success",
        "error",
        "success",
    ]
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert await cluster.submit(SHORT) == queued + 1


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


async def test_a_later_opcode_goes_on_where_the_job_was() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = cluster.submit(
            OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",)),
            OpInstanceStartup(instance_name="web1"),
        )
        await job
        await cluster.clock.sleep(5.0)
        await cluster.kill_master()
        await cluster.master()
    await cluster.finished(job)
    assert cluster.view.cluster.tags == ("blue",)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_full_disk_does_not_lose_the_end_of_a_job() -> None:
    cluster = stopped()
    await cluster.master()
    cluster.nodes["node1"].programs.failing["/create"] = "no mirror"
    job = await (await luxi(cluster)).handle(
        "SubmitJob", [[{"OP_ID": "OP_INSTANCE_REINSTALL", "instance_name": "web1"}]]
    )
    cluster.backend.full = True
    await cluster.clock.sleep(20.0)
    cluster.backend.full = False
    await cluster.clock.sleep(20.0)
    assert await status(cluster, job) == "error"
    assert (await cluster.master()).locks.states() == []
