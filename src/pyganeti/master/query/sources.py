"""Where queries take their objects from; the values one query works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyganeti.master.locks import LockState
from pyganeti.master.queue.job import StepProgress
from pyganeti.master.queue.waits import QueueWait
from pyganeti.model.enums import JobStatus
from pyganeti.model.view import ClusterView

from .live import LiveReader

Timestamp = tuple[int, int]
# Any: a log message is a text, or a structure that its type names.
LogEntry = tuple[int, Timestamp, str, Any]


class OpRecord(Protocol):
    """An opcode of a job, as the queue holds it."""

    input: dict[str, Any]  # Any: opcode parameters
    status: JobStatus
    result: Any  # Any: what the opcode answers
    log: list[LogEntry]
    priority: int
    start_timestamp: Timestamp | None
    exec_timestamp: Timestamp | None
    end_timestamp: Timestamp | None


class JobRecord(Protocol):
    """A job, as the queue holds it."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def ops(self) -> Sequence[OpRecord]:
        """Its opcodes in order."""
        ...

    @property
    def status(self) -> JobStatus:
        """State of the whole."""
        ...

    @property
    def priority(self) -> int:
        """Most urgent priority among the opcodes that are not done."""
        ...

    @property
    def progress(self) -> StepProgress | None:
        """Of its running step, where that can be measured."""
        ...

    @property
    def archived(self) -> bool:
        """Whether it is in the archive."""
        ...

    @property
    def received_timestamp(self) -> Timestamp | None:
        """When it was submitted."""
        ...

    @property
    def start_timestamp(self) -> Timestamp | None:
        """When its first opcode began."""
        ...

    @property
    def end_timestamp(self) -> Timestamp | None:
        """When its last opcode ended."""
        ...


class JobSource(Protocol):
    """The job queue, as queries see it."""

    @property
    def drained(self) -> bool:
        """Whether it takes no jobs."""
        ...

    def current_jobs(self) -> Sequence[JobRecord]:
        """Jobs that are not archived, by ascending id."""
        ...

    async def archived_jobs(self) -> Sequence[JobRecord]:
        """Archived jobs, by ascending id."""
        ...

    async def find_job(self, job_id: int) -> JobRecord | None:
        """One job, archived or not."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What a query may read.

    Attributes:
        view: the snapshot.
        live: nodes.
        jobs: the queue.
        locks: all locks that are held or wanted.
        waits: why jobs wait.
        watcher_pause: until when the watcher pauses, seconds since the epoch.
    """

    view: ClusterView
    live: LiveReader
    jobs: JobSource
    locks: Callable[[], Sequence[LockState]]
    waits: Callable[[], Sequence[QueueWait]]
    watcher_pause: float | None = None
