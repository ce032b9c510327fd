"""The job queue: all jobs that are not archived, in memory and in the store.

Called by LUXI (submit, cancel, query) and by the scheduler (what is next). A submission is durable
before it is answered. Source: gnt-job(8); ``docs/design/0003-jobs-locks-steps.md``.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import Clock, timestamp
from pyganeti.master.queue.beginnings import Beginnings
from pyganeti.master.queue.dependencies import resolve
from pyganeti.master.queue.job import Job, QueuedOp, Timestamp
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import (
    GenericError,
    JobLost,
    JobQueueDrainError,
    JobQueueError,
    JobQueueFull,
    OpPrereqError,
)
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import decode, encode, has_secrets, redact
from pyganeti.store.interface import Batch, Contents, Delete, Put, Store, Table

JOB_SERIAL: Final = "job_serial"
DRAINED: Final = "drained"
# Ganeti stops at 5 000; nothing here grows with the number of waiting jobs but memory.
MAX_JOBS: Final = 100_000
# A job is written whole at each of its changes.
MAX_OPCODES: Final = 1000
# Of thousands of jobs that are submitted or read together, after so many others have their turn.
_TURN: Final = 200
# Jobs that are archived in one transaction.
_SLICE: Final = 100


class JobQueue:
    """Jobs by id.

    Args:
        store: where they are made durable.
        clock: gives timestamps.
        ready: called with each job that the scheduler may look at.
    """

    def __init__(self, store: Store, clock: Clock, ready: Callable[[Job], None]) -> None:
        self._store = store
        self._clock = clock
        self._ready = ready
        self.beginnings = Beginnings(store, clock, self._announce)
        self.jobs: dict[int, Job] = {}
        self._serial = 0
        self.drained = False
        self.closed = False
        self._on_change: list[Callable[[Job], None]] = []

    def load(self, contents: Contents) -> None:
        """Take up what an earlier master left."""
        meta = contents[Table.META]
        self.drained = meta.get(DRAINED) == b"true"
        jobs = [Job.from_json(data) for data in contents[Table.JOB].values()]
        # The store sorts numbers as texts.
        self.jobs = {job.id: job for job in sorted(jobs, key=lambda job: job.id)}
        self._serial = max(int(meta.get(JOB_SERIAL, b"0")), max(self.jobs, default=0))

    @property
    def serial(self) -> int:
        """The highest job id given out."""
        return self._serial

    def subscribe(self, listener: Callable[[Job], None]) -> None:
        """Call ``listener`` with each job that was made durable in a new state."""
        self._on_change.append(listener)

    def get(self, job_id: int) -> Job:
        """An unarchived job.

        Raises:
            JobLost: there is none of this id.
        """
        job = self.jobs.get(job_id)
        if job is None:
            raise JobLost(f"Job {job_id} not found")
        return job

    async def find_job(self, job_id: int) -> Job | None:
        """A job, archived or not, as others may see it."""
        job = self.jobs.get(job_id)
        if job is not None:
            return self.as_told(job)
        data = await self._store.read(Table.ARCHIVE, str(job_id))
        if data is None:
            return None
        job = Job.from_json(data)
        job.archived = True
        return job

    def as_told(self, job: Job) -> Job:
        """``job`` as others may see it: that it runs is durable first, or it still waits."""
        return job.as_waiting() if job in self.beginnings else job

    def current_jobs(self) -> list[Job]:
        """Jobs that are not archived, by ascending id, as others may see them."""
        return [self.as_told(self.jobs[job_id]) for job_id in sorted(self.jobs)]

    async def archived_jobs(self) -> list[Job]:
        """Archived jobs, by ascending id."""
        keys = sorted(await self._store.keys(Table.ARCHIVE), key=int)
        found = []
        for begin in range(0, len(keys), _TURN):
            # A slice at a time: meanwhile, others are served and can write.
            records = await self._store.read_many(Table.ARCHIVE, keys[begin : begin + _TURN])
            found += [Job.from_json(data) for data in records.values()]
            await asyncio.sleep(0)
        for job in found:
            job.archived = True
        return sorted(found, key=lambda job: job.id)

    # --- submission

    async def submit(self, ops: Sequence[Any], *, ignore_drain: bool = False) -> int:
        """Queue one job and return its id once it is durable.

        Args:
            ops: opcodes as JSON objects with ``OP_ID``.
            ignore_drain: submit although the queue is drained.

        Raises:
            OpPrereqError: a parameter is wrong; nothing was queued.
            JobQueueDrainError, JobQueueFull: the queue takes no jobs.
        """
        self._admit(1, ignore_drain)
        job = self._make(self._validated(ops))
        await self._add([job])
        return job.id

    async def submit_many(
        self, jobs: Sequence[Any], *, by_job: bool = False
    ) -> list[tuple[bool, int | str]]:
        """Queue several jobs; for each ``(True, id)`` or ``(False, why)``. Durable when it returns.

        Negative ids in ``depends`` count back from the job itself within this call.

        Args:
            jobs: lists of opcodes.
            by_job: a job that was admitted needs them to come to its end, so they are, too.
        """
        if not by_job:
            self._admit(len(jobs), ignore_drain=False)
        answers: list[int | str] = []
        made: list[Job] = []
        for number, ops in enumerate(jobs, 1):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            try:
                job = self._make(self._validated(ops), answers)
            except GenericError as err:
                answers.append(str(err))
            else:
                made.append(job)
                answers.append(job.id)
        await self._add(made)
        return [(isinstance(answer, int), answer) for answer in answers]

    def _admit(self, count: int, ignore_drain: bool) -> None:
        if self.closed:
            raise JobQueueError("the master daemon is stopping and takes no new jobs")
        if self.drained and not ignore_drain:
            raise JobQueueDrainError("Job queue is drained, refusing job")
        if len(self.jobs) + count > MAX_JOBS:
            raise JobQueueFull(f"the queue holds {len(self.jobs)} jobs; archive some of them")

    @staticmethod
    def _validated(ops: Any) -> list[Opcode]:  # Any: whatever the client sent
        if not isinstance(ops, list) or not ops:
            raise OpPrereqError("a job is a list of at least one opcode")
        if len(ops) > MAX_OPCODES:
            raise OpPrereqError(
                f"a job of {len(ops)} opcodes: expected {MAX_OPCODES} at most; submit several jobs,"
                " which may depend on each other"
            )
        return [decode(op) for op in ops]

    def _make(self, ops: list[Opcode], earlier: Sequence[int | str] = ()) -> Job:
        own, received = self._serial + 1, timestamp(self._clock.now())
        queued, secrets = [], {}
        for index, op in enumerate(ops):
            whole = encode(op)
            resolve(whole, earlier)
            whole["reason"] = [*(whole["reason"] or ()), _origin(op, own, index, received)]
            shown = whole
            if has_secrets(op):
                secrets[index], shown = whole, redact(whole)
            queued.append(QueuedOp(input=shown, priority=op.priority))
        self._serial = own
        job = Job(own, queued, received)
        job.secrets = secrets
        return job

    async def _add(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        puts = []
        for number, job in enumerate(jobs, 1):
            puts.append(Put(Table.JOB, str(job.id), job.to_json()))
            if number % _TURN == 0:
                await asyncio.sleep(0)
        # Not the last of these: a later submission may be written first.
        serial = Put(Table.META, JOB_SERIAL, str(self._serial).encode())
        await self._store.commit(Batch((*puts, serial)))
        for number, job in enumerate(jobs, 1):
            self.jobs[job.id] = job
            self._announce(job)
            self._ready(job)
            if number % _TURN == 0:
                await asyncio.sleep(0)

    def _announce(self, job: Job) -> None:
        job.touch()
        for listener in self._on_change:
            listener(job)

    # --- changes

    async def save(self, job: Job, *also: Put | Delete) -> None:
        """Make the job's present state durable, together with ``also``, then tell who waits."""
        while True:
            changes, is_ending = job.changes, job.is_ending
            await self._store.commit(Batch((Put(Table.JOB, str(job.id), job.to_json()), *also)))
            job.saved(changes)
            # What it says while its end is written (that its changes are not replicated) belongs
            # to it as well; nothing is written of it any more once it has ended.
            if not (is_ending and job.is_unsaved):
                break
        # What was decided meanwhile is not durable yet.
        if is_ending:
            job.reveal()
        self.beginnings.discard(job)
        self._announce(job)

    def record(self, job: Job) -> tuple[Put, ...]:
        """A write of the job for somebody else's batch; none when the store has all of it."""
        if not job.is_unsaved:
            return ()
        job.saved(job.changes)
        return (Put(Table.JOB, str(job.id), job.to_json()),)

    async def finish(
        self, job: Job, status: JobStatus, result: Any, *also: Put | Delete
    ) -> None:  # Any: JSON
        """End all opcodes of ``job`` that are not final with ``status``; durable with ``also``."""
        self._end_rest(job, status, result)
        try:
            await self.save(job, *also)
        except GenericError:
            job.take_back()
            raise

    def _end_rest(self, job: Job, status: JobStatus, result: Any) -> None:  # Any: JSON
        first = next((n for n, op in enumerate(job.ops) if op.status not in FINALIZED), None)
        if first is not None:
            job.end(first, status, result, timestamp(self._clock.now()))

    # Any: a result is JSON.
    async def finish_many(self, ends: Iterable[tuple[Job, JobStatus, Any]]) -> None:
        """As :meth:`finish`, several jobs in one transaction."""
        jobs = []
        for job, status, result in ends:
            self._end_rest(job, status, result)
            jobs.append(job)
        puts = tuple(Put(Table.JOB, str(job.id), job.to_json()) for job in jobs)
        try:
            await self._store.commit(Batch(puts))
        except GenericError:
            for job in jobs:
                job.take_back()
            raise
        for job in jobs:
            job.reveal()
            self._announce(job)

    async def set_drained(self, drained: bool) -> None:
        """Take no new jobs, or take them again; durable."""
        value = msgspec.json.encode(drained)
        await self._store.commit(Batch((Put(Table.META, DRAINED, value),)))
        self.drained = drained

    async def archive_older(self, age_s: float, timeout_s: float) -> tuple[int, int]:
        """Archive jobs that ended more than ``age_s`` ago, all finished ones if it is negative.

        Returns:
            How many were archived, and how many were not looked at for lack of time.
        """
        now, deadline = self._clock.now(), self._clock.monotonic() + timeout_s
        jobs, archived = list(self.jobs.values()), 0
        for begin in range(0, len(jobs), _SLICE):
            if begin and self._clock.monotonic() >= deadline:
                return archived, len(jobs) - begin
            old = [
                job
                for job in jobs[begin : begin + _SLICE]
                if age_s < 0 or ended_at(job) < now - age_s
            ]
            archived += await self.archive(old)
            # Where there was nothing to archive, others have not had their turn.
            await asyncio.sleep(0)
        return archived, 0

    async def archive(self, jobs: Iterable[Job]) -> int:
        """Move finished jobs to the archive; how many were."""
        moved = [job for job in jobs if job.status in FINALIZED and not job.archived]
        if not moved:
            return 0
        writes: list[Put | Delete] = []
        for job in moved:
            writes += (
                Delete(Table.JOB, str(job.id)),
                Put(Table.ARCHIVE, str(job.id), job.to_json()),
            )
        await self._store.commit(Batch(tuple(writes)))
        for job in moved:
            job.archived = True
            self.jobs.pop(job.id, None)
            self._announce(job)
        return len(moved)


def _origin(op: Opcode, job_id: int, index: int, received: Timestamp) -> tuple[str, str, int]:
    """The last entry of an opcode's reason trail, which jobs that it makes inherit."""
    seconds, micros = received
    source = f"gnt:opcode:{op.op_id().removeprefix('OP_').lower()}"
    return source, f"job={job_id};index={index}", (seconds * 1_000_000 + micros) * 1000


def ended_at(job: Job) -> float:
    """When a job ended, or was last heard of, in seconds since 1970."""
    seconds, micros = job.end_timestamp or job.start_timestamp or job.received_timestamp or (0, 0)
    return seconds + micros / 1_000_000
