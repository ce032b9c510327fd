"""Runs jobs: each opcode through the phases of its Logical Unit.

Data flow: job -> opcode -> locks -> plan -> journaled steps -> result, all recorded in the queue.
The order of phases and what is durable when: ``docs/design/0003-jobs-locks-steps.md``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from pyganeti.kit.clock import timestamp
from pyganeti.master.jobs.execution import Execution, JobTask, Services
from pyganeti.master.jobs.journal import Journal
from pyganeti.master.queue.job import Job, Timestamp
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import (
    GenericError,
    JobCanceled,
    OpExecError,
    to_wire,
)

_log = logging.getLogger(__name__)

# The result of opcodes after one that failed; programs know Ganeti's words for it.
_NOT_RUN: Final = "Preceding opcode failed"


class Processor:
    """Runs jobs handed to it by the scheduler."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._started: dict[int, JobTask] = {}
        self._resuming: dict[int, Journal] = {}
        self._stopping = False
        self.abandoned = False

    def abandon(self) -> None:
        """From now on a cancelled job is left as it stands in the store, for the next master."""
        self.abandoned = True

    def begin_no_more(self) -> None:
        """Leave opcodes that have not begun to the next master, which has all but their secrets."""
        self._stopping = True

    def set_back(self, job: Job, task: asyncio.Task[None]) -> None:
        """Leave ``job`` to the next master if it only waits for locks."""
        state = self._started.get(job.id)
        if state is not None and state.in_lock_wait and not (state.cancel or job.secrets):
            state.set_back = True
            task.cancel()

    def resume_later(self, job: Job, journal: Journal) -> None:
        """When ``job`` is run, go on with what ``journal`` says that it waits for."""
        self._resuming[job.id] = journal

    async def run_job(self, job: Job) -> None:
        """Run the opcodes of ``job`` one after another and record how each ended."""
        state = self._started.setdefault(job.id, JobTask())
        state.begun = True
        try:
            if job.start_timestamp is None:
                job.start_timestamp = self._now()
                self._measure_begin(job, job.start_timestamp)
            for index in range(len(job.ops)):
                if job.ops[index].status in FINALIZED:
                    continue
                if state.cancel:
                    await self._cancel_rest(job)
                    return
                if self._stopping and not job.secrets and job.id not in self._resuming:
                    return
                if not await self._run_op(job, index, state):
                    return
        finally:
            del self._started[job.id]
            self._measure_end(job)

    def _measure_begin(self, job: Job, begin: Timestamp) -> None:
        """Count how long ``job`` was queued."""
        if job.received_timestamp is not None:  # as in a file of an old Ganeti
            self._services.measures.queued.add(_between(job.received_timestamp, begin))

    def _measure_end(self, job: Job) -> None:
        """Count how long ``job`` ran, if it has ended."""
        if job.start_timestamp is not None and job.end_timestamp is not None:
            ran = self._services.measures.ran[job.status]
            ran.add(_between(job.start_timestamp, job.end_timestamp))

    def cancel(self, job: Job, task: asyncio.Task[None], *, kill: bool) -> bool:
        """Ask a started job to end; whether it will.

        One that waits for locks ends at once; one that runs only with ``kill``, unwound.
        """
        state = self._started.setdefault(job.id, JobTask())
        if state.cancel:
            return True
        if state.begun and not (state.in_lock_wait or kill):
            return False
        state.cancel = True
        if state.ending:  # the opcodes after this one, if there are any, will not run
            return any(op.status is JobStatus.QUEUED for op in job.ops)
        for op in job.ops:
            if op.status in (JobStatus.WAITING, JobStatus.RUNNING):
                op.status = JobStatus.CANCELING
        job.touch()
        if state.begun:
            task.cancel()
        return True

    def _now(self) -> tuple[int, int]:
        return timestamp(self._services.clock.now())

    async def _run_op(self, job: Job, index: int, state: JobTask) -> bool:
        """Run one opcode and record its end; whether the next may run."""
        op = job.ops[index]
        execution = Execution(self._services, job, index, state)
        resumed = self._resuming.pop(job.id, None)
        if resumed is None:
            op.start_timestamp = self._now()
        result: object = None
        error: GenericError | None = None
        try:
            result = await (execution.run() if resumed is None else execution.resume(resumed))
        except asyncio.CancelledError:
            if state.set_back:
                _take_back_cancellation()
                op.status = JobStatus.QUEUED
                job.touch()
                return False
            if not state.cancel or self.abandoned:
                raise
            _take_back_cancellation()
            error = JobCanceled("the job was cancelled")
        except GenericError as err:
            error = err
        except Exception as err:
            # Supervisor: a bug in a Logical Unit ends its job, unwound, and nothing else.
            _log.exception("job %s: %s failed", job.id, op.input.get("OP_ID"))
            text = f"internal error in {op.input.get('OP_ID')}: {type(err).__name__}: {err}"
            error = OpExecError(text)
        state.ending = True
        if error is None:
            await execution.tell_config_changed()
            await self._end(job, index, JobStatus.SUCCESS, result, execution)
        else:
            await self._until_it_works(job, execution.stop_waiting)
            canceled = isinstance(error, JobCanceled)
            failure = to_wire(await execution.unwound(error))
            await execution.tell_config_changed()
            status = JobStatus.CANCELED if canceled else JobStatus.ERROR
            await self._end(job, index, status, failure, execution)
        state.ending = False
        return error is None

    async def _end(
        self, job: Job, index: int, status: JobStatus, result: object, execution: Execution
    ) -> None:
        # Nobody takes the error of one opcode for that of another.
        rest = to_wire(OpExecError(_NOT_RUN)) if status is JobStatus.ERROR else None
        job.end(index, status, result, self._now(), rest=rest)
        await self._until_it_works(
            job, partial(self._services.queue.save, job, *execution.closing())
        )
        execution.release()

    async def _cancel_rest(self, job: Job) -> None:
        """End a job that was asked to end between two of its opcodes."""
        failure = to_wire(JobCanceled("the job was cancelled"))
        finish = partial(self._services.queue.finish, job, JobStatus.CANCELED, failure)
        await self._until_it_works(job, finish)

    async def _until_it_works(self, job: Job, save: Callable[[], Awaitable[None]]) -> None:
        """A full disk must not lose the end of a job: it is told once it could be written."""
        while True:
            try:
                await save()
            except GenericError:
                _log.exception("job %s: its end cannot be written, trying again", job.id)
                await self._services.clock.sleep(5.0)
            else:
                return


def _between(begin: Timestamp, end: Timestamp) -> float:
    """Seconds from one to the other."""
    return end[0] - begin[0] + (end[1] - begin[1]) / 1_000_000


def _take_back_cancellation() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
