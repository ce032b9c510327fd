"""Why a job waits, as ``gnt-debug waits`` shows it.

Made by whoever lets jobs wait (scheduler, locks, calls to nodes); read by queries.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyganeti.master.queue.job import Timestamp

# Jobs ahead that are named; of a queue of thousands the first ones say enough.
NAMED_AHEAD: Final = 20


class WaitKind(StrEnum):
    """What a job can wait for."""

    DEPENDENCY = "dependency"
    FILTER = "filter"
    RATE_LIMIT = "rate-limit"
    LIMIT = "limit"
    LOCK = "lock"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class QueueWait:
    """One reason why a job waits.

    Attributes:
        job: id of the job.
        kind: what it waits for.
        on: which one, for people: ``job 12``, ``max_running_jobs=20``.
        since: when it began to wait.
        holders: ids of the jobs that have what it waits for.
        ahead: ids of the first jobs that come before it, at most :data:`NAMED_AHEAD`.
        place: how many come before it.
        mode: of a lock: ``shared`` or ``exclusive``.
        lock: of a lock: its name as in the list of locks, where ``on`` has one for people.
    """

    job: int
    kind: WaitKind
    on: str
    since: Timestamp | None
    holders: tuple[int, ...] = ()
    ahead: tuple[int, ...] = ()
    place: int = 0
    mode: str = ""
    lock: str = ""
