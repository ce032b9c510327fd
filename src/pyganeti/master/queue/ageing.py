"""Priorities that rise with the time waited: one step each 1800 s, down to -20.

Told by scheduler and processor who begins and ends waiting. See
``docs/design/0005-scheduling.md`` (Order).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.line import Place
from pyganeti.model.enums import FINALIZED

HIGHEST: Final = -20
LOWEST: Final = 19
# Ganeti's LOCK_ATTEMPTS_TIMEOUT: from normal to the highest priority in ten hours.
STEP_S: Final = 1800.0

# Told the new priority of a job that waits.
Follow = Callable[[int], object]


def place_of(job: Job, since: float) -> Place:
    """Where a job that waits since then stands in lines; the same at any later time."""
    return since + STEP_S * (job.priority - HIGHEST), job.id


class Ageing:
    """Raises the priorities of jobs that wait.

    Args:
        clock: tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, tuple[Job, Follow | None]] = {}
        # Time of the next step. In order: each is added with a later one than all before.
        self._steps: dict[int, float] = {}

    @contextmanager
    def waiting(self, job: Job, follow: Follow) -> Iterator[None]:
        """Let ``job`` rise meanwhile; ``follow`` is told each new priority."""
        self.begin(job, self._clock.now(), follow)
        try:
            yield
        finally:
            self.end(job)

    def begin(self, job: Job, since: float, follow: Follow | None = None) -> Place:
        """``job`` waits since then, and rises by what it gained before now; its place in lines."""
        place = place_of(job, since)
        steps = int((self._clock.now() - since) // STEP_S)
        if steps > 0:
            _raise(job, steps)
        self._waiting[job.id] = job, follow
        self._steps.pop(job.id, None)
        if job.priority > HIGHEST:
            self._steps[job.id] = since + STEP_S * (max(steps, 0) + 1)
        return place

    def end(self, job: Job) -> None:
        """``job`` does not wait any more; it keeps what it gained."""
        self._waiting.pop(job.id, None)
        self._steps.pop(job.id, None)

    def change(self, job: Job, priority: int) -> Place:
        """Set the priority of what is not done; the time waited counts from now.

        Returns:
            Its place in lines from now on, if it waits.
        """
        for op in job.ops:
            if op.status not in FINALIZED:
                op.priority = priority
        now, waiting = self._clock.now(), self._waiting.get(job.id)
        if waiting is None:
            return place_of(job, now)
        _, follow = waiting
        if follow is not None:
            follow(priority)
        return self.begin(job, now, follow)

    def sort(self) -> None:
        """Bring steps into order after jobs that wait since different times were begun."""
        self._steps = dict(sorted(self._steps.items(), key=lambda item: item[1]))

    async def run(self) -> None:
        """Raise who has waited long enough, for ever."""
        while True:
            await self._clock.sleep(self._pause())
            now = self._clock.now()
            while self._steps:
                job_id, when = next(iter(self._steps.items()))
                if when > now:
                    break
                self._step(job_id, when)

    def _pause(self) -> float:
        """Until the first step. Who begins meanwhile is not due before that."""
        first = next(iter(self._steps.values()), None)
        return STEP_S if first is None else max(first - self._clock.now(), 0.01)

    def _step(self, job_id: int, when: float) -> None:
        job, follow = self._waiting[job_id]
        del self._steps[job_id]
        _raise(job, 1)
        if follow is not None:
            follow(job.priority)
        if job.priority > HIGHEST:
            self._steps[job_id] = when + STEP_S


def _raise(job: Job, steps: int) -> None:
    for op in job.ops:
        if op.status not in FINALIZED:
            op.priority = max(HIGHEST, op.priority - steps)
    job.changed_here()
    job.touch()
