"""Fields of waits, as ``gnt-debug waits`` shows them: one object for each reason of each job.

Ours; Ganeti has no such resource.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyganeti.master.queue.waits import NAMED_AHEAD, QueueWait
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.codec import summary_of

from .fields import Compare, Field, FieldKind, Need, or_unavail, table
from .job import parse_job_id
from .sources import JobRecord, Sources

_NUMBER, _OTHER, _TEXT = FieldKind.NUMBER, FieldKind.OTHER, FieldKind.TEXT


@dataclass(frozen=True, slots=True)
class WaitContext:
    """The jobs that wait, by id."""

    jobs: Mapping[int, JobRecord]


WaitField = Field[QueueWait, WaitContext]


def _summary(wait: QueueWait, context: WaitContext) -> object:
    job = context.jobs.get(wait.job)
    return or_unavail(None if job is None else [summary_of(op.input) for op in job.ops])


_FIELDS: Final[Sequence[WaitField]] = [
    Field(
        "ahead",
        "Ahead",
        _OTHER,
        f"Jobs that wait for the same and come first; at most {NAMED_AHEAD} of them",
        lambda wait, _: list(wait.ahead),
    ),
    Field(
        "holders",
        "Holders",
        _OTHER,
        f"Jobs that have what it waits for; at most {NAMED_AHEAD} of them",
        lambda wait, _: list(wait.holders[:NAMED_AHEAD]),
    ),
    Field("id", "ID", _NUMBER, "Job", lambda wait, _: wait.job, compare=Compare.JOB_ID),
    Field(
        "kind", "Kind", _TEXT, "What kind of thing it waits for", lambda wait, _: wait.kind.value
    ),
    Field(
        "lock",
        "Lock",
        _TEXT,
        "Of a lock its name in the list of locks",
        lambda wait, _: or_unavail(wait.lock or None),
    ),
    Field(
        "mode",
        "Mode",
        _TEXT,
        "Of a lock how it is wanted: shared or exclusive",
        lambda wait, _: or_unavail(wait.mode or None),
    ),
    Field("on", "On", _TEXT, "What it waits for", lambda wait, _: wait.on),
    Field("place", "Place", _NUMBER, "How many jobs come first", lambda wait, _: wait.place),
    Field(
        "since",
        "Since",
        _OTHER,
        "When it began to wait",
        lambda wait, _: or_unavail(wait.since),
        compare=Compare.TIMESTAMP,
    ),
    Field("summary", "Summary", _OTHER, "One word for each opcode of the job", _summary),
]


class WaitResource:
    """Queries of waits; named by job."""

    name_field = "id"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[QueueWait]:
        """See :class:`~.engine.Resource`."""
        waits = sources.waits()
        if names is None:
            return list(waits)
        ids = [parse_job_id(name) for name in names]
        for job_id in ids:
            if await sources.jobs.find_job(job_id) is None:
                raise OpPrereqError(f"Job {job_id} not found", ECode.NOENT)
        return [wait for job_id in ids for wait in waits if wait.job == job_id]

    async def context(
        self, sources: Sources, items: list[QueueWait], needs: frozenset[Need]
    ) -> WaitContext:
        """See :class:`~.engine.Resource`."""
        wanted = {wait.job for wait in items}
        return WaitContext({job.id: job for job in sources.jobs.current_jobs() if job.id in wanted})


WAITS: Final = WaitResource()
