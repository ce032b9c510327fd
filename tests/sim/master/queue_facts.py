"""What a test of the queue knows of a job."""

from dataclasses import dataclass

from pyganeti.master.queue.job import Job

STEP_S, HIGHEST = 1800.0, -20


@dataclass
class Facts:
    """What the test knows of a job.

    Attributes:
        base, since: priority as set, and when.
        calm_since: since when nothing has happened that moves it to another stage or place.
        runs: how often it began to do something.
    """

    job: Job
    kind: str
    buckets: frozenset[str]
    depends: list[tuple[int, frozenset[str]]]
    base: int
    since: float
    calm_since: float
    runs: int = 0
    was_rejected: bool = False

    @property
    def rank(self) -> tuple[float, int]:
        """When it reaches the highest priority; then its number."""
        return self.since + STEP_S * (self.base - HIGHEST), self.job.id
