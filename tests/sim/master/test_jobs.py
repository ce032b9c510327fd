"""A job's way through queue, scheduler and processor."""

import pytest

from pyganeti.master.changes import cluster_fields
from pyganeti.model.enums import JobStatus, TagKind
from pyganeti.model.errors import (
    JobLost,
    JobQueueDrainError,
    OpCodeUnknown,
    OpPrereqError,
)
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceShutdown, OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import failed
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


# --- dry run, drain


async def test_a_dry_run_ends_before_hooks() -> None:
    cluster = stopped()
    cluster.nodes["node1"].put_hook("instance-start-pre.d/10-log")
    await cluster.run(OpInstanceStartup(instance_name="web1", dry_run=True))
    assert cluster.guest_states("web1") == {}
    assert cluster.nodes["node1"].programs.ran == []


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
