"""Fields of jobs. A job that was asked for by id and does not exist has only its id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from pyganeti.kit.shown import shown
from pyganeti.kit.turns import in_turns
from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.codec import redact, summary_of

from .fields import Compare, Field, FieldKind, Need, or_unavail, table
from .sources import JobRecord, OpRecord, Sources

# More than a job will ever have.
_DIGITS: Final = 18
_BOOL, _NUMBER, _OTHER = FieldKind.BOOL, FieldKind.NUMBER, FieldKind.OTHER


@dataclass(frozen=True, slots=True)
class AskedJob:
    """A job, or the id of one that does not exist."""

    id: int
    record: JobRecord | None


JobField = Field[AskedJob, None]


def _of_job(get: Callable[[JobRecord], object]) -> Callable[[AskedJob, None], object]:
    def of(item: AskedJob, _context: None) -> object:
        return FieldStatus.UNAVAIL if item.record is None else get(item.record)

    return of


def _of_ops(get: Callable[[OpRecord], object]) -> Callable[[AskedJob, None], object]:
    return _of_job(lambda job: [get(op) for op in job.ops])


def _shown(op: dict[str, object]) -> dict[str, object]:
    """An opcode as Ganeti's clients see it: of what was left out only these two are shown."""
    always = ("comment", "depends")
    return {name: value for name, value in op.items() if value is not None or name in always}


def _time(name: str, title: str, doc: str, get: Callable[[JobRecord], object]) -> JobField:
    return Field(
        name,
        title,
        _OTHER,
        doc,
        _of_job(lambda job: or_unavail(get(job))),
        compare=Compare.TIMESTAMP,
    )


_WHOLE: Final[Sequence[JobField]] = [
    Field("id", "ID", _NUMBER, "Number", lambda item, _: item.id, compare=Compare.JOB_ID),
    Field(
        "status",
        "Status",
        FieldKind.TEXT,
        "State of the job",
        _of_job(lambda job: job.status.value),
    ),
    Field(
        "priority",
        "Priority",
        _NUMBER,
        "-20 for the most urgent to 19",
        _of_job(lambda job: job.priority),
    ),
    Field(
        "progress",
        "Progress",
        _OTHER,
        "How far the running step is, where that can be measured",
        _of_job(lambda job: or_unavail(job.progress and msgspec.to_builtins(job.progress))),
    ),
    Field("archived", "Archived", _BOOL, "Is in the archive", _of_job(lambda job: job.archived)),
    _time("received_ts", "Received", "When it came", lambda job: job.received_timestamp),
    _time("start_ts", "Start", "When it began", lambda job: job.start_timestamp),
    _time("end_ts", "End", "When it ended", lambda job: job.end_timestamp),
]

_OPS: Final[Sequence[JobField]] = [
    Field(
        "ops",
        "OpCodes",
        _OTHER,
        "Opcodes with their parameters",
        _of_ops(lambda op: _shown(redact(op.input, private=True))),
    ),
    Field(
        "summary",
        "Summary",
        _OTHER,
        "One word for each opcode",
        _of_ops(lambda op: summary_of(op.input)),
    ),
    *(
        Field(name, title, _OTHER, doc, _of_ops(get))
        for name, title, doc, get in (
            ("opresult", "OpCode_result", "Results of the opcodes", lambda op: op.result),
            ("opstatus", "OpCode_status", "States of the opcodes", lambda op: op.status.value),
            ("oplog", "OpCode_log", "Logs of the opcodes", lambda op: op.log),
            (
                "opstart",
                "OpCode_start",
                "When opcodes began, before locks",
                lambda op: op.start_timestamp,
            ),
            ("opexec", "OpCode_exec", "When opcodes had locks", lambda op: op.exec_timestamp),
            ("opend", "OpCode_end", "When opcodes ended", lambda op: op.end_timestamp),
            ("oppriority", "OpCode_prio", "Priorities of the opcodes", lambda op: op.priority),
        )
    ),
]


def parse_job_id(value: object) -> int:
    """A job id from a number or a text.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is neither.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**_DIGITS:
        raise OpPrereqError(f"{shown(value)} is not a job id", ECode.INVAL)
    return value


class JobResource:
    """Queries of jobs; the archive is read only when the query looks at ``archived``."""

    name_field = "id"
    fields = table([*_WHOLE, *_OPS])

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[AskedJob]:
        """See :class:`~.engine.Resource`."""
        if names is not None:
            ids = [parse_job_id(name) for name in names]
            return [
                AskedJob(job_id, await sources.jobs.find_job(job_id))
                async for job_id in in_turns(ids)
            ]
        jobs = list(sources.jobs.current_jobs())
        if "archived" in used:
            # One that is archived meanwhile is among both.
            every = {job.id: job for job in (*jobs, *await sources.jobs.archived_jobs())}
            jobs = sorted(every.values(), key=lambda job: job.id)
        return [AskedJob(job.id, job) for job in jobs]

    async def context(
        self, sources: Sources, items: list[AskedJob], needs: frozenset[Need]
    ) -> None:
        """See :class:`~.engine.Resource`."""


JOBS: Final = JobResource()
