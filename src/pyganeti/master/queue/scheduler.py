"""Decides which queued job starts next, and runs each as a task.

Order: priority, then id. A job starts when its dependencies are met and fewer than the limit run.
Called by the queue (a job is ready to be looked at) and by the daemon (start, stop).
"""

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.master.queue.waits import NAMED_AHEAD, QueueWait, WaitKind
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import GenericError, OpPrereqError, to_wire

_log = logging.getLogger(__name__)

RunJob = Callable[[Job], Awaitable[None]]


class Scheduler:
    """Starts jobs.

    Args:
        queue: the jobs.
        run_job: runs one job to its end; must not raise but on cancellation.
        limit: gives the number of jobs that may run at once.
    """

    def __init__(self, queue: JobQueue, run_job: RunJob, limit: Callable[[], int]) -> None:
        self._queue = queue
        self._run_job = run_job
        self._limit = limit
        self._ready: list[tuple[int, int]] = []
        self._resumed: list[Job] = []
        self._blocked: dict[int, set[int]] = defaultdict(set)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._wakeup = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    @property
    def running(self) -> list[int]:
        """Ids of jobs that have been started and have not ended."""
        return sorted(self._tasks)

    def resume(self, job: Job) -> None:
        """Start ``job``, which ran when the last master ended, before all others."""
        self._resumed.append(job)
        self._wakeup.set()

    def add(self, job: Job) -> None:
        """Look at ``job`` when its turn comes."""
        heapq.heappush(self._ready, (job.priority, job.id))
        self._wakeup.set()

    async def run(self) -> None:
        """Start jobs until cancelled or :meth:`stop` was called."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                await self._wakeup.wait()
                self._wakeup.clear()
                await self._start_ready(group)

    async def _start_ready(self, group: asyncio.TaskGroup) -> None:
        while self._resumed and not self._stopping:
            self._start(group, self._resumed.pop(0))
        while self._ready and not self._stopping and len(self._tasks) < self._limit():
            priority, job_id = heapq.heappop(self._ready)
            job = self._queue.jobs.get(job_id)
            if job is None or job_id in self._tasks or not _may_start(job):
                continue
            if job.priority != priority:  # changed since it was added; it was added again
                continue
            if not await self._dependencies_met(job):
                continue
            # Looking into the archive takes time, in which it may have been cancelled.
            if _may_start(job) and not self._stopping:
                self._start(group, job)

    def _start(self, group: asyncio.TaskGroup, job: Job) -> None:
        self._idle.clear()
        self._tasks[job.id] = group.create_task(self._supervise(job), name=f"job-{job.id}")

    async def _supervise(self, job: Job) -> None:
        try:
            await self._run_job(job)
        except Exception:
            # Supervisor: one job's bug must not end the master. Its state stays as it is in the
            # store, and the next start unwinds it.
            _log.exception("job %s ended in a way it must not", job.id)
        finally:
            del self._tasks[job.id]
            if not self._tasks:
                self._idle.set()
            self.job_ended(job)
            self._wakeup.set()

    def wake(self) -> None:
        """Look again: the limit may be another one."""
        self._wakeup.set()

    def job_ended(self, job: Job) -> None:
        """Look again at those that wait for ``job``, which has ended."""
        for waiting in self._blocked.pop(job.id, ()):
            blocked = self._queue.jobs.get(waiting)
            if blocked is not None:
                self.add(blocked)

    async def _dependencies_met(self, job: Job) -> bool:
        """Whether ``job`` may start; one that never can is ended here."""
        for op in job.ops:
            for job_id, wanted in op.input.get("depends") or ():
                verdict = await self._dependency(job_id, wanted or sorted(FINALIZED))
                if verdict is None:
                    self._blocked[job_id].add(job.id)
                    return False
                if verdict is not JobStatus.SUCCESS:
                    await self._end_unmet(job, job_id, verdict)
                    return False
        return True

    async def _dependency(self, job_id: int, wanted: list[str]) -> JobStatus | None:
        """SUCCESS: met. ``None``: not yet. CANCELED or ERROR: it never will be."""
        other = await self._queue.find_job(job_id)
        if other is None:
            return JobStatus.ERROR
        if other.status not in FINALIZED:
            return None
        if other.status.value in wanted:
            return JobStatus.SUCCESS
        return JobStatus.CANCELED if other.status is JobStatus.CANCELED else JobStatus.ERROR

    async def _end_unmet(self, job: Job, on: int, verdict: JobStatus) -> None:
        result: Any = "Job canceled by its dependency"  # Any: a result is any JSON
        if verdict is JobStatus.ERROR:
            result = to_wire(OpPrereqError(f"dependency on job {on} cannot be met", "wrong_state"))
        try:
            await self._queue.finish(job, verdict, result)
        except GenericError:
            _log.exception("job %s could not be ended", job.id)
        self.job_ended(job)

    def waits(self) -> list[QueueWait]:
        """Why jobs that have not been started wait, in the order in which they would start."""
        return [*self._dependency_waits(), *self._limit_waits()]

    def _dependency_waits(self) -> list[QueueWait]:
        pairs = sorted((job, other) for other, jobs in self._blocked.items() for job in jobs)
        found = [(self._queue.jobs.get(job_id), other) for job_id, other in pairs]
        return [
            QueueWait(job.id, WaitKind.DEPENDENCY, f"job {other}", job.received_timestamp, (other,))
            for job, other in found
            if job is not None and _may_start(job)
        ]

    def _limit_waits(self) -> list[QueueWait]:
        limit, running = self._limit(), tuple(self.running)
        if len(running) < limit:
            return []  # those that are ready are about to start
        waits: list[QueueWait] = []
        first: tuple[int, ...] = ()
        blocked = {job_id for jobs in self._blocked.values() for job_id in jobs}
        for priority, job_id in sorted(set(self._ready)):
            job = self._queue.jobs.get(job_id)
            if job is None or job_id in self._tasks or job_id in blocked or not _may_start(job):
                continue
            if job.priority == priority:
                on, since = f"max_running_jobs={limit}", job.received_timestamp
                place = len(waits)
                waits.append(QueueWait(job_id, WaitKind.LIMIT, on, since, running, first, place))
                first = (*first, job_id)[:NAMED_AHEAD]
        return waits

    def task(self, job_id: int) -> asyncio.Task[None] | None:
        """The task that runs a job, if it was started and has not ended."""
        return self._tasks.get(job_id)

    async def stop(self) -> None:
        """Start no more; :meth:`run` returns when those that run have ended."""
        self._stopping = True
        self._wakeup.set()

    async def idle(self) -> None:
        """Wait until no job runs."""
        await self._idle.wait()


def _may_start(job: Job) -> bool:
    return job.status is JobStatus.QUEUED and not job.is_ending
