"""A job between its submission and its start: where it stands, and why it waits.

Made and changed by the scheduler. States: ``docs/design/0005-scheduling.md``.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from pyganeti.master.queue.filtering import ACCEPTED, Verdict
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.limits import Limit
from pyganeti.master.queue.line import Place
from pyganeti.master.queue.lines import Limits, Lines
from pyganeti.master.queue.waits import NAMED_AHEAD, QueueWait, WaitKind


class Stage(Enum):
    """What a queued job waits for."""

    ARRIVED = "to be looked at"
    PAUSED = "another filter"
    DEPENDENT = "another job"
    IN_LINE = "its turn"


@dataclass(slots=True)
class Waiting:
    """A queued job.

    Attributes:
        place: in all lines.
        other: of ``DEPENDENT``: the job it waits for.
    """

    job: Job
    place: Place
    stage: Stage = Stage.ARRIVED
    verdict: Verdict = ACCEPTED
    other: int = 0


def waits_of(
    jobs: Iterable[Waiting], lines: Lines, started: Mapping[int, Limits], places: int
) -> list[QueueWait]:
    """Why each of ``jobs`` waits, in the order of their places; some are about to start.

    Args:
        jobs: queued jobs.
        lines: where some of them stand.
        started: limits of the jobs that were started.
        places: how many jobs may run.
    """
    about = _Lookout(lines, started, places)
    found = (about.wait(entry) for entry in sorted(jobs, key=lambda entry: entry.place))
    return [wait for wait in found if wait is not None]


class _Lookout:
    """Goes along the lines from the front, counting who is ahead."""

    def __init__(self, lines: Lines, started: Mapping[int, Limits], places: int) -> None:
        self._lines = lines
        self._places = places
        self._running = tuple(sorted(started))
        self._holders: dict[Limit, tuple[int, ...]] = defaultdict(tuple)
        for job_id in self._running:
            for limit in started[job_id]:
                self._holders[limit] = (*self._holders[limit], job_id)
        # Of the places (``None``) and of each limit: how many were met, and the first of them.
        self._ahead: dict[Limit | None, tuple[int, tuple[int, ...]]] = {}

    def wait(self, entry: Waiting) -> QueueWait | None:
        """Why the next one waits; ``None`` if it is about to be started or looked at."""
        job, since = entry.job, entry.job.received_timestamp
        if entry.stage is Stage.PAUSED:
            return QueueWait(job.id, WaitKind.FILTER, entry.verdict.rule, since)
        if entry.stage is Stage.DEPENDENT:
            other = entry.other
            return QueueWait(job.id, WaitKind.DEPENDENCY, f"job {other}", since, (other,))
        return self._in_line(entry) if entry.stage is Stage.IN_LINE else None

    def _in_line(self, entry: Waiting) -> QueueWait | None:
        job_id = entry.job.id
        obstacle = self._lines.obstacle(job_id)
        ahead = {limit: self._pass(limit, job_id) for limit in self._lines.limits(job_id)}
        since = entry.job.received_timestamp
        if obstacle is not None:
            on, holders = obstacle.name, self._holders[obstacle]
            place, first = ahead[obstacle]
            return QueueWait(job_id, WaitKind.RATE_LIMIT, on, since, holders, first, place)
        place, first = self._pass(None, job_id)
        if len(self._running) < self._places:
            return None
        on = f"max_running_jobs={self._places}"
        return QueueWait(job_id, WaitKind.LIMIT, on, since, self._running, first, place)

    def _pass(self, limit: Limit | None, job_id: int) -> tuple[int, tuple[int, ...]]:
        """How many stand before ``job_id``, and the first of them; it is one of them from now."""
        place, first = self._ahead.get(limit, (0, ()))
        self._ahead[limit] = place + 1, (*first, job_id)[:NAMED_AHEAD]
        return place, first
