"""The job queue: all jobs that are not archived, in memory and in the store.

Called by LUXI (submit, cancel, query) and by the scheduler (what is next). A submission is durable
before it is answered. Source: gnt-job(8); ``docs/design/0003-jobs-locks-steps.md``.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import Clock, timestamp
from pyganeti.master.queue.job import Job, QueuedOp
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
        self.jobs: dict[int, Job] = {}
        self._serial = 0
        self.drained = False
        self.closed = False
        self._on_change: list[Callable[[Job], None]] = []

    def load(self, contents: Contents) -> None:
        """Take up what an earlier master left."""
        meta = contents[Table.META]
        self.drained = meta.get(DRAINED) == b"true"
        for data in contents[Table.JOB].values():
            job = Job.from_json(data)
            self.jobs[job.id] = job
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
        """A job, archived or not."""
        job = self.jobs.get(job_id)
        if job is not None:
            return job
        data = await self._store.read(Table.ARCHIVE, str(job_id))
        if data is None:
            return None
        job = Job.from_json(data)
        job.archived = True
        return job

    def current_jobs(self) -> list[Job]:
        """Jobs that are not archived, by ascending id."""
        return sorted(self.jobs.values(), key=lambda job: job.id)

    async def archived_jobs(self) -> list[Job]:
        """Archived jobs, by ascending id."""
        ids = sorted(int(key) for key in await self._store.keys(Table.ARCHIVE))
        found = [await self.find_job(job_id) for job_id in ids]
        return [job for job in found if job is not None]

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
        answers: list[tuple[bool, int | str]] = []
        made: list[Job] = []
        for ops in jobs:
            try:
                job = self._make(self._validated(ops), [answer for _, answer in answers])
            except GenericError as err:
                answers.append((False, str(err)))
            else:
                made.append(job)
                answers.append((True, job.id))
        await self._add(made)
        return answers

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
        return [decode(op) for op in ops]

    def _make(self, ops: list[Opcode], earlier: Sequence[int | str] = ()) -> Job:
        self._serial += 1
        queued, secrets = [], {}
        for index, op in enumerate(ops):
            whole = encode(op)
            _resolve_depends(whole, earlier)
            shown = whole
            if has_secrets(op):
                secrets[index], shown = whole, redact(whole)
            queued.append(QueuedOp(input=shown, priority=op.priority))
        job = Job(self._serial, queued, timestamp(self._clock.now()))
        job.secrets = secrets
        return job

    async def _add(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        puts = tuple(Put(Table.JOB, str(job.id), job.to_json()) for job in jobs)
        serial = Put(Table.META, JOB_SERIAL, str(jobs[-1].id).encode())
        await self._store.commit(Batch((*puts, serial)))
        for job in jobs:
            self.jobs[job.id] = job
            self._announce(job)
            self._ready(job)

    def _announce(self, job: Job) -> None:
        job.touch()
        for listener in self._on_change:
            listener(job)

    # --- changes

    async def save(self, job: Job, *also: Put | Delete) -> None:
        """Make the job's present state durable, together with ``also``, then tell who waits."""
        job.unsaved = False
        try:
            await self._store.commit(Batch((Put(Table.JOB, str(job.id), job.to_json()), *also)))
        except GenericError:
            job.unsaved = True
            raise
        job.reveal()
        self._announce(job)

    def record(self, job: Job) -> tuple[Put, ...]:
        """A write of the job for somebody else's batch; none when the store has all of it."""
        if not job.unsaved:
            return ()
        job.unsaved = False
        return (Put(Table.JOB, str(job.id), job.to_json()),)

    async def finish(
        self, job: Job, status: JobStatus, result: Any, *also: Put | Delete
    ) -> None:  # Any: JSON
        """End all opcodes of ``job`` that are not final with ``status``; durable with ``also``."""
        first = next((n for n, op in enumerate(job.ops) if op.status not in FINALIZED), None)
        if first is not None:
            job.end(first, status, result, timestamp(self._clock.now()))
        await self.save(job, *also)

    async def set_drained(self, drained: bool) -> None:
        """Take no new jobs, or take them again; durable."""
        value = msgspec.json.encode(drained)
        await self._store.commit(Batch((Put(Table.META, DRAINED, value),)))
        self.drained = drained

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


def _resolve_depends(op: dict[str, Any], earlier: Sequence[int | str]) -> None:
    """Replace relative job ids in ``depends`` of the encoded ``op`` by absolute ones.

    Raises:
        OpPrereqError: one counts back further than this submission goes, or to a job that failed.
    """
    depends = op.get("depends")
    if not depends:
        return
    resolved = []
    for job_id, statuses in depends:
        absolute = job_id
        if job_id < 0:
            target = earlier[job_id] if -job_id <= len(earlier) else None
            if not isinstance(target, int):
                raise OpPrereqError(f"dependency {job_id} names no job of this submission")
            absolute = target
        resolved.append([absolute, list(statuses)])
    op["depends"] = resolved
