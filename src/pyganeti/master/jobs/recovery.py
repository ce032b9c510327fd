"""What a new master does with the jobs it finds: unwind what ran, queue what waited.

Called once, before the first job starts, so no lock is needed: nothing else runs, and nodes have
ended the old term's tasks. See ``docs/design/0003-jobs-locks-steps.md`` (After a crash).
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from pyganeti.master.jobs.journal import Journal, Undo, decode_undo, parse_key
from pyganeti.master.jobs.run import Run
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import JobCanceled, OpExecError, OpPrereqError, to_wire
from pyganeti.store.interface import Contents, Table

_log = logging.getLogger(__name__)

_UNKNOWN: Final = (
    "it ran when this cluster's state was taken from files; what it had done is not known and"
    " was not undone: look at the objects it concerns"
)

MakeRun = Callable[[Job, int], Run]
KeepLeftovers = Callable[[Journal], None]
Record = tuple[int, int, Undo]
"""Opcode, step, undo."""


def _by_job(contents: Contents) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for key, data in contents[Table.JOURNAL].items():
        job, op, step = parse_key(key)
        found[job].append((op, step, decode_undo(data)))
    return found


def _newest(records: list[Record]) -> Record:
    return max(records, key=lambda record: record[:2])


def awaited_tasks(contents: Contents) -> frozenset[str]:
    """Tasks on nodes that jobs in ``contents`` wait for, and nothing else: they are kept."""
    waits = [_newest(records)[2].wait for records in _by_job(contents).values()]
    return frozenset(task for wait in waits if wait is not None for task in wait.tasks.values())


async def recover(
    queue: JobQueue,
    contents: Contents,
    make_run: MakeRun,
    keep: KeepLeftovers,
    *,
    imported: bool = False,
) -> dict[int, Journal]:
    """Bring every job that is not final to a state from which the queue can go on.

    Args:
        queue: loaded from ``contents``.
        contents: what the store held at start.
        make_run: a run of one opcode of a job, for its unwinding.
        keep: takes over what an unwound journal has left to be undone.
        imported: the jobs come from files, which have no journal.

    Returns:
        by id, the journals of jobs that only wait for tasks on nodes: they are to be resumed.
    """
    journals = _by_job(contents)
    resumed: dict[int, Journal] = {}
    for job in sorted(queue.jobs.values(), key=lambda job: job.id):
        if job.status in FINALIZED:
            continue
        began = {JobStatus.RUNNING, JobStatus.CANCELING} & {op.status for op in job.ops}
        if began and imported and job.id not in journals:
            await queue.finish(job, JobStatus.ERROR, to_wire(OpExecError(_UNKNOWN)))
        elif job.id in journals and _may_resume(job, journals[job.id]):
            resumed[job.id] = _resumed(job, journals[job.id], make_run)
        elif began or job.id in journals:
            await _unwind(queue, job, journals.get(job.id, []), make_run, keep)
        else:
            await _requeue(queue, job)
    return resumed


def _may_resume(job: Job, records: list[Record]) -> bool:
    """Whether ``job`` does nothing but wait, is not to end, and has lost no secrets."""
    index, _step, undo = _newest(records)
    return (
        undo.wait is not None
        and index < len(job.ops)
        and job.ops[index].status is JobStatus.RUNNING
        and not job.has_lost_secrets
    )


def _resumed(job: Job, records: list[Record], make_run: MakeRun) -> Journal:
    index = _newest(records)[0]
    journal = make_run(job, index).journal
    for _index, step, undo in records:
        journal.resume(step, undo)
    return journal


async def _requeue(queue: JobQueue, job: Job) -> None:
    """A job that had not begun waits again, unless it cannot be run any more."""
    for op in job.ops:
        if op.status is JobStatus.WAITING:
            op.status = JobStatus.QUEUED
    if job.has_lost_secrets:
        text = "its secret parameters were lost when the master daemon restarted"
        await queue.finish(job, JobStatus.ERROR, to_wire(OpPrereqError(text, "wrong_state")))


async def _unwind(
    queue: JobQueue,
    job: Job,
    records: list[Record],
    make_run: MakeRun,
    keep: KeepLeftovers,
) -> None:
    _log.info("job %s ran when the last master ended: undoing it", job.id)
    left: list[str] = []
    journals: list[Journal] = []
    for op in sorted({record[0] for record in records}, reverse=True):
        run = make_run(job, op)
        for index, step, undo in records:
            if index == op:
                run.journal.resume(step, undo)
        await run.journal.note(*run.journal.stop_waiting())
        for line in await run.unwind():
            run.log(f"could not be undone yet, will be tried again: {line}")
            left.append(line)
        journals.append(run.journal)
    status, result = _verdict(job, left)
    closing = [write for journal in journals for write in journal.closing()]
    await queue.finish(job, status, result, *closing)
    for journal in journals:
        keep(journal)


def _verdict(job: Job, left: list[str]) -> tuple[JobStatus, list[object]]:
    """How a job that was unwound ends, and its result."""
    if left:
        text = f"the master daemon ended while the job ran; left to be undone: {'; '.join(left)}"
        return JobStatus.ERROR, to_wire(OpExecError(text))
    if any(op.status is JobStatus.CANCELING for op in job.ops):
        return JobStatus.CANCELED, to_wire(JobCanceled("the job was cancelled"))
    text = "the master daemon ended while the job ran; what can be undone was undone"
    return JobStatus.ERROR, to_wire(OpExecError(text))
