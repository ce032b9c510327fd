"""What a job depends on: other jobs that must have ended in certain states.

Read at submission (relative numbers become absolute) and by the scheduler (are they met?).
Source: ``docs/design/0005-scheduling.md`` (Dependencies).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.master.queue.job import Job
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import ECode, OpPrereqError, to_wire

# What an empty list stands for; a cancelled job cancels those that depend on it.
_ANY_END: Final = frozenset({JobStatus.SUCCESS.value, JobStatus.ERROR.value})


@dataclass(frozen=True, slots=True)
class Unmet:
    """A dependency that never will be met: how the job ends, and its result."""

    status: JobStatus
    result: Any  # Any: a result is any JSON


def dependencies_of(job: Job) -> Iterator[tuple[int, frozenset[str]]]:
    """Number and accepted states of each job that ``job`` depends on."""
    for op in job.ops:
        for job_id, wanted in op.input.get("depends") or ():
            yield int(job_id), frozenset(wanted) or _ANY_END


def is_known(job_id: int, job: Job) -> bool:
    """Whether ``job`` may depend on this number: not on later ones, so there are no circles."""
    return job_id < job.id


def judge(job_id: int, other: Job | None, wanted: frozenset[str]) -> Unmet | None:
    """What to make of a job that others depend on, and that has ended or is not known.

    Returns:
        ``None`` when the dependency is met.
    """
    if other is None:
        text = f"depends on job {job_id}, which does not exist"
        return Unmet(JobStatus.ERROR, to_wire(OpPrereqError(text, ECode.NOENT)))
    if other.status.value in wanted:
        return None
    if other.status is JobStatus.CANCELED:
        text = f"Job canceled: job {job_id}, on which it depends, was canceled"
        return Unmet(JobStatus.CANCELED, text)
    accepted = " or ".join(sorted(wanted))
    text = f"depends on job {job_id} to end as {accepted}, but it ended as {other.status.value}"
    return Unmet(JobStatus.ERROR, to_wire(OpPrereqError(text, ECode.STATE)))


def has_ended(other: Job | None) -> bool:
    """Whether nothing about it will change any more."""
    return other is None or other.status in FINALIZED


# Any: opcode parameters.
def resolve(op: dict[str, Any], earlier: Sequence[int | str]) -> None:
    """Make the numbers in ``depends`` of the encoded ``op`` absolute.

    Args:
        op: changed in place.
        earlier: what became of the jobs before it in the same submission: number or error.

    Raises:
        OpPrereqError: a number counts back further than this submission goes or to a job that was
            refused.
    """
    if op.get("depends"):
        op["depends"] = [
            [_absolute(int(job_id), earlier), list(wanted)] for job_id, wanted in op["depends"]
        ]


def _absolute(job_id: int, earlier: Sequence[int | str]) -> int:
    if job_id > 0:
        return job_id
    target = earlier[job_id] if 0 < -job_id <= len(earlier) else None
    if isinstance(target, int):
        return target
    why = f", which was refused: {target}" if target else ""
    raise OpPrereqError(f"dependency {job_id} names no job of this submission{why}", ECode.INVAL)
