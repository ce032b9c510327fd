"""Decides which queued job starts next, and runs each as a task.

    queued -> filters -> dependencies -> limits -> place -> task

Called by the queue (a job came), by the configuration (rules or limits changed) and by the daemon
(start, stop). State machine, order and costs: ``docs/design/0005-scheduling.md``.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.queue.ageing import Ageing
from pyganeti.master.queue.dependencies import Unmet, dependencies_of, has_ended, is_known, judge
from pyganeti.master.queue.filtering import FilterAction, FilterChain, Verdict
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.limits import limits_of
from pyganeti.master.queue.lines import Limits, Lines
from pyganeti.master.queue.queue import JobQueue
from pyganeti.master.queue.waiting import Stage, Waiting, waits_of
from pyganeti.master.queue.waits import QueueWait
from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import ECode, GenericError, OpPrereqError, to_wire
from pyganeti.model.filter import FilterRule

_log = logging.getLogger(__name__)

# Opcodes that are matched against rules before others get their turn: a few milliseconds.
_SLICE: Final = 500
# Jobs that end together in one transaction.
_BATCH: Final = 200
# After the store refused to take the end of jobs.
_RETRY_S: Final = 5.0

RunJob = Callable[[Job], Awaitable[None]]


@dataclass(slots=True)
class _Started:
    """A job that was started and has not ended."""

    job: Job
    task: asyncio.Task[None]
    limits: Limits


@dataclass(slots=True)
class _Pass:
    """What one look at the jobs that arrived has found out."""

    budget: int = _SLICE
    ends: list[tuple[Job, Unmet]] = field(default_factory=list)


class Scheduler:
    """Starts jobs.

    Args:
        queue: the jobs.
        run_job: runs one job to its end; must not raise but on cancellation.
        limit: gives the number of jobs that may run at once.
        clock: for priorities that rise with time.
    """

    def __init__(
        self, queue: JobQueue, run_job: RunJob, limit: Callable[[], int], clock: Clock
    ) -> None:
        self._queue = queue
        self._run_job = run_job
        self._limit = limit
        self._clock = clock
        self.ageing = Ageing(clock)
        self._chain = FilterChain(())
        self._new_chain: FilterChain | None = None
        self._waiting: dict[int, Waiting] = {}
        self._arrived: deque[int] = deque()
        self._dependents: dict[int, set[int]] = defaultdict(set)
        self._lines = Lines()
        self._resumed: list[Job] = []
        self._started: dict[int, _Started] = {}
        self._wakeup = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    # --- told from outside

    @property
    def running(self) -> list[int]:
        """Ids of jobs that have been started and have not ended."""
        return sorted(self._started)

    def task(self, job_id: int) -> asyncio.Task[None] | None:
        """The task that runs a job, if it was started and has not ended."""
        started = self._started.get(job_id)
        return None if started is None else started.task

    def add(self, job: Job) -> None:
        """Take up a job that was just submitted."""
        self._add(job, self._clock.now())

    def take_up(self, jobs: Iterable[Job]) -> None:
        """Take up the queued ones of the jobs an earlier master left."""
        for job in jobs:
            if job.status is JobStatus.QUEUED:
                self._add(job, _waits_since(job, self._clock.now()))
        self.ageing.sort()

    def _add(self, job: Job, since: float) -> None:
        place = self.ageing.begin(job, since)
        self._waiting[job.id] = Waiting(job, place)
        self._arrived.append(job.id)
        self._wakeup.set()

    def resume(self, job: Job) -> None:
        """Start ``job``, which ran when the last master ended, before all others."""
        self._resumed.append(job)
        self._wakeup.set()

    def set_rules(self, rules: Iterable[FilterRule]) -> None:
        """Judge all jobs by these rules from now on; no job starts before that is done."""
        self._new_chain = FilterChain(rules)
        self._wakeup.set()

    def wake(self) -> None:
        """Look again: the number of jobs that may run may be another one."""
        self._wakeup.set()

    def change_priority(self, job: Job, priority: int) -> None:
        """Set the priority of what is not done of ``job``, and move it in the lines it is in."""
        place = self.ageing.change(job, priority)
        entry = self._waiting.get(job.id)
        if entry is not None:
            entry.place = place
            self._lines.move(place)
            self._wakeup.set()

    def job_ended(self, job: Job) -> None:
        """``job`` has ended: those that wait for it are looked at again."""
        self._forget(job.id)
        for dependent in self._dependents.pop(job.id, ()):
            entry = self._waiting.get(dependent)
            if entry is not None and entry.stage is Stage.DEPENDENT and entry.other == job.id:
                self._arrive(entry)
        self._wakeup.set()

    def look_again(self, job: Job) -> None:
        """``job`` was to end without having run, and that could not be recorded."""
        entry = self._waiting.get(job.id)
        if entry is not None:
            self._arrive(entry)

    def _arrive(self, entry: Waiting) -> None:
        self._lines.leave(entry.job.id)
        entry.stage = Stage.ARRIVED
        self._arrived.append(entry.job.id)
        self._wakeup.set()

    def _forget(self, job_id: int) -> None:
        """The job is not queued any more."""
        entry = self._waiting.pop(job_id, None)
        if entry is not None:
            self.ageing.end(entry.job)
            self._lines.leave(job_id)

    # --- the loop

    async def run(self) -> None:
        """Start jobs until cancelled or :meth:`stop` was called."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                await self._wakeup.wait()
                self._wakeup.clear()
                if self._new_chain is not None:
                    await self._judge_anew()
                await self._place_arrived()
                self._start_ready(group)

    async def stop(self) -> None:
        """Start no more; :meth:`run` returns when those that run have ended."""
        self._stopping = True
        self._wakeup.set()

    async def idle(self) -> None:
        """Wait until no job runs."""
        await self._idle.wait()

    # --- filters

    async def _judge_anew(self) -> None:
        """Take the new rules; jobs of which they say something else arrive once more."""
        while self._new_chain is not None:
            self._chain, self._new_chain = self._new_chain, None
            budget = _SLICE
            for job_id in [*self._started, *self._waiting]:
                budget -= self._judge(job_id)
                if budget <= 0:
                    budget = _SLICE
                    await asyncio.sleep(0)
                if self._new_chain is not None or self._stopping:
                    break

    def _judge(self, job_id: int) -> int:
        """Look at one job again; how many opcodes it has."""
        started, entry = self._started.get(job_id), self._waiting.get(job_id)
        if started is not None:
            before = started.limits
            started.limits = limits_of(started.job, self._chain.verdict(started.job))
            self._lines.begin(started.limits)
            self._lines.end(before)
            return len(started.job.ops)
        if entry is None:  # it has ended meanwhile
            return 0
        if entry.stage is not Stage.ARRIVED and self._chain.verdict(entry.job) != entry.verdict:
            self._arrive(entry)
        return len(entry.job.ops)

    # --- from arrival to the lines

    async def _place_arrived(self) -> None:
        """Bring every job that arrived to where it has to wait.

        Nothing starts meanwhile, so that after a start of the master the first is really first.
        """
        found = _Pass()
        while self._arrived and not self._stopping and self._new_chain is None:
            entry = self._waiting.get(self._arrived.popleft())
            if entry is not None and entry.stage is Stage.ARRIVED and _may_start(entry.job):
                found.budget -= len(entry.job.ops)
                unmet = await self._place(entry)
                if unmet is not None:
                    found.ends.append((entry.job, unmet))
            if found.ends and (len(found.ends) >= _BATCH or not self._arrived):
                await self._end(found.ends)
                found = _Pass()
            elif found.budget <= 0:
                found.budget = _SLICE
                await asyncio.sleep(0)
        if found.ends:
            await self._end(found.ends)
        if self._new_chain is not None:
            self._wakeup.set()

    async def _place(self, entry: Waiting) -> Unmet | None:
        """Bring a job to where it has to wait; or how it must end."""
        try:
            return self._judged(entry) or await self._dependent(entry)
        except (TypeError, ValueError) as err:
            # It came from a file of another program.
            _log.exception("job %s cannot be scheduled", entry.job.id)
            text = f"its dependencies cannot be understood: {err}"
            return Unmet(JobStatus.ERROR, to_wire(OpPrereqError(text, ECode.INVAL)))

    def _judged(self, entry: Waiting) -> Unmet | None:
        """Let the filters decide."""
        entry.verdict = self._chain.verdict(entry.job)
        if entry.verdict.action is FilterAction.REJECT:
            return Unmet(JobStatus.CANCELED, _rejection(entry.verdict))
        if entry.verdict.action is FilterAction.PAUSE:
            entry.stage = Stage.PAUSED
        return None

    async def _dependent(self, entry: Waiting) -> Unmet | None:
        """Let the job wait for the first that has not ended of those it depends on."""
        if entry.stage is not Stage.ARRIVED:
            return None
        for job_id, wanted in dependencies_of(entry.job):
            known = is_known(job_id, entry.job)
            other = await self._queue.find_job(job_id) if known else None
            if not has_ended(other):
                entry.stage, entry.other = Stage.DEPENDENT, job_id
                self._dependents[job_id].add(entry.job.id)
                return None
            unmet = judge(job_id, other, wanted)
            if unmet is not None:
                return unmet
        # Looking into the archive takes time, in which it may have been cancelled.
        if self._waiting.get(entry.job.id) is entry:
            entry.stage = Stage.IN_LINE
            self._lines.join(entry.place, limits_of(entry.job, entry.verdict))
        return None

    async def _end(self, ends: list[tuple[Job, Unmet]]) -> None:
        """End jobs that will never run."""
        still = [(job, unmet) for job, unmet in ends if _may_start(job)]
        try:
            await self._queue.finish_many((job, unmet.status, unmet.result) for job, unmet in still)
        except GenericError:
            _log.exception("%d jobs could not be ended, trying again", len(still))
            await self._clock.sleep(_RETRY_S)
            self._arrived.extend(job.id for job, _ in still)
            return
        for job, _ in still:
            self.job_ended(job)

    # --- starting

    def _start_ready(self, group: asyncio.TaskGroup) -> None:
        """Start who may, as long as there are places."""
        while self._resumed and not self._stopping:
            job = self._resumed.pop(0)
            limits = limits_of(job, self._chain.verdict(job))
            self._lines.begin(limits)
            self._start(job, limits, group)
        while not self._stopping and self._new_chain is None:
            if len(self._started) >= self._limit():
                return
            job_id = self._lines.next()
            if job_id is None:
                return
            job = self._waiting[job_id].job
            if _may_start(job):
                self._start(job, self._lines.start(job_id), group)
            else:  # it is about to end; if that fails, it comes again
                self._lines.leave(job_id)

    def _start(self, job: Job, limits: Limits, group: asyncio.TaskGroup) -> None:
        self._forget(job.id)
        self._idle.clear()
        task = group.create_task(self._supervise(job), name=f"job-{job.id}")
        self._started[job.id] = _Started(job, task, limits)

    async def _supervise(self, job: Job) -> None:
        try:
            await self._run_job(job)
        except Exception:
            # Supervisor: one job's bug must not end the master. Its state stays as it is in the
            # store, and the next start unwinds it.
            _log.exception("job %s ended in a way it must not", job.id)
        finally:
            self._lines.end(self._started.pop(job.id).limits)
            if not self._started:
                self._idle.set()
            self.job_ended(job)

    def waits(self) -> list[QueueWait]:
        """Why jobs that have not been started wait, in the order in which they would start."""
        limits = {job_id: started.limits for job_id, started in self._started.items()}
        waiting = [entry for entry in self._waiting.values() if _may_start(entry.job)]
        return waits_of(waiting, self._lines, limits, self._limit())


def _may_start(job: Job) -> bool:
    return job.status is JobStatus.QUEUED and not job.is_ending


def _rejection(verdict: Verdict) -> str:
    why = f": {verdict.reason}" if verdict.reason else ""
    return f"Job canceled by job filter {verdict.rule}{why}"


def _waits_since(job: Job, now: float) -> float:
    """From when the time counts that a job found in the store has waited.

    A stored priority that is not the submitted one was given at a time that nobody recorded.
    """
    as_submitted = all(op.priority == (op.input.get("priority") or 0) for op in job.ops)
    if job.received_timestamp is None or not as_submitted:
        return now
    seconds, micros = job.received_timestamp
    return min(now, seconds + micros / 1_000_000)
