"""Jobs and their opcodes as the master holds them, and as ``queue/job-N`` shows them.

Source: job file schema and job facts (states, log entries ``[serial, [s, us], type, message]``).
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from pyganeti.kit.shown import cut
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import ConfigurationError
from pyganeti.opcodes.codec import has_redacted, redact, without_private

Timestamp = tuple[int, int]


# Any: a log message is a text, or a structure that its type names.
LogEntry = tuple[int, Timestamp, str, Any]


class QueuedOp(msgspec.Struct, kw_only=True):
    """One opcode of a job.

    Attributes:
        input: the opcode as submitted, secrets replaced by ``<redacted>``, and private values too
            once it has ended.
        result: of a success; ``[error class, [arguments]]`` of an error.
        log: entries with serial numbers that count over the whole job.
        exec_timestamp: when it had its locks.
    """

    input: dict[str, Any]  # Any: opcode parameters
    status: JobStatus = JobStatus.QUEUED
    result: Any = None  # Any: what the opcode answers
    log: list[LogEntry] = msgspec.field(default_factory=list)
    priority: int = 0
    start_timestamp: Timestamp | None = None
    exec_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None

    def reasons(self) -> Iterator[Sequence[Any]]:
        """Well-formed entries of the reason trail: ``[source, text, nanoseconds]``.

        What came from a file of another program may be anything.
        """
        trail = self.input.get("reason")
        for entry in trail if isinstance(trail, list | tuple) else ():
            if isinstance(entry, list | tuple) and len(entry) == 3 and isinstance(entry[1], str):
                yield entry


class StepProgress(msgspec.Struct, frozen=True):
    """How far a running job's step is: its name, ``done`` of ``total`` MiB. Never stored."""

    step: str
    done: int
    total: int


class _StoredJob(msgspec.Struct, kw_only=True):
    id: int
    ops: list[QueuedOp]
    received_timestamp: Timestamp | None = None
    start_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None


_decoder = msgspec.json.Decoder(_StoredJob)
_encoder = msgspec.json.Encoder()


class Job:
    """A job in memory.

    Attributes:
        archived: whether it is in the archive.
        secrets: for each opcode the whole input, where it holds secret parameters; memory only.
        changes: how often something changed of it that is not in the store by itself.
        progress: of its running step, where that can be measured; memory only.

    How it ends is shown only once that is durable: :meth:`end` decides it, :meth:`reveal` shows it.
    """

    __slots__ = (
        "_changed",
        "_ended",
        "_log_serial",
        "_saved",
        "archived",
        "changes",
        "end_timestamp",
        "id",
        "ops",
        "progress",
        "received_timestamp",
        "secrets",
        "start_timestamp",
    )

    def __init__(self, job_id: int, ops: list[QueuedOp], received: Timestamp | None) -> None:
        self.id = job_id
        self.ops = ops
        self.received_timestamp = received
        self.start_timestamp: Timestamp | None = None
        self.end_timestamp: Timestamp | None = None
        self.archived = False
        self.secrets: dict[int, dict[str, Any]] = {}
        self.changes = 0
        self._saved = 0
        self.progress: StepProgress | None = None
        self._log_serial = max((entry[0] for op in ops for entry in op.log), default=0)
        self._changed: asyncio.Event | None = None
        self._ended: _StoredJob | None = None

    @classmethod
    def from_json(cls, data: bytes) -> "Job":
        """Read a stored job.

        Raises:
            ConfigurationError: it is not a job.
        """
        try:
            stored = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise ConfigurationError(f"a stored job cannot be read: {cut(str(err))}") from err
        job = cls(stored.id, stored.ops, stored.received_timestamp)
        job.start_timestamp = stored.start_timestamp
        job.end_timestamp = stored.end_timestamp
        return job

    def _stored(self) -> _StoredJob:
        return _StoredJob(
            id=self.id,
            ops=self.ops,
            received_timestamp=self.received_timestamp,
            start_timestamp=self.start_timestamp,
            end_timestamp=self.end_timestamp,
        )

    def to_json(self) -> bytes:
        """The job as stored; compact, keys as Ganeti's."""
        return _encoder.encode(self._ended or self._stored())

    def to_export(self) -> bytes:
        """The job as its file shows it to people: private values are not for them."""
        stored = self._stored()
        stored.ops = [
            msgspec.structs.replace(op, input=redact(op.input, private=True)) for op in self.ops
        ]
        return _encoder.encode(stored)

    def as_waiting(self) -> "Job":
        """A copy of which the opcode that runs still waits."""
        ops = [
            msgspec.structs.replace(op, status=JobStatus.WAITING, exec_timestamp=None)
            if op.status is JobStatus.RUNNING
            else op
            for op in self.ops
        ]
        told = Job(self.id, ops, self.received_timestamp)
        told.start_timestamp = self.start_timestamp
        return told

    @property
    def has_lost_secrets(self) -> bool:
        """Whether opcodes that have not ended cannot be run as they stand in the store."""
        return any(has_redacted(op.input) for op in self.ops if op.status not in FINALIZED)

    # --- what the store lacks

    @property
    def is_unsaved(self) -> bool:
        """Whether something of it may not be in the store yet."""
        return self.changes != self._saved

    def changed_here(self) -> None:
        """Something of it is other than in the store."""
        self.changes += 1

    def saved(self, changes: int) -> None:
        """It is in the store, or soon will be, as it was after so many changes."""
        self._saved = changes

    # --- the end

    @property
    def is_ending(self) -> bool:
        """Whether it is decided how opcodes end, and not durable yet."""
        return self._ended is not None

    # Any: a result is any JSON.
    def end(
        self, index: int, status: JobStatus, result: Any, now: Timestamp, *, rest: Any = None
    ) -> None:
        """Opcode ``index`` ends so; unless it is a success, those after it as well.

        Of their input nobody needs the private values any more: the record of an end has none.

        Args:
            index: which one.
            status: how it ended.
            result: what it answered, or its error.
            now: the time of its end.
            rest: the result of those after it, if it is another one.
        """
        last = len(self.ops) if status is not JobStatus.SUCCESS else index + 1
        ended = self._stored()
        ended.ops = [
            msgspec.structs.replace(
                op,
                input=without_private(op.input),
                status=status,
                result=result if number == index or rest is None else rest,
                end_timestamp=now,
            )
            if index <= number < last
            else op
            for number, op in enumerate(self.ops)
        ]
        if last == len(self.ops):
            ended.end_timestamp = now
        self._ended = ended

    def take_back(self) -> None:
        """What :meth:`end` decided could not be made durable: it is as before."""
        self._ended = None

    def reveal(self) -> None:
        """What :meth:`end` decided is durable: from now on it is so."""
        if self._ended is not None:
            self.ops, self.end_timestamp = self._ended.ops, self._ended.end_timestamp
            self._ended = None
        if self.end_timestamp is not None:
            self.secrets.clear()

    @property
    def status(self) -> JobStatus:
        """The job's state, which is that of its first opcode that is not a success."""
        return overall_status(op.status for op in self.ops)

    @property
    def priority(self) -> int:
        """Most urgent priority among the opcodes that are not done."""
        return min((op.priority for op in self.ops if op.status not in FINALIZED), default=0)

    def add_log(
        self, index: int, when: Timestamp, kind: str, message: Any
    ) -> None:  # Any: LogEntry
        """Append an entry to the log of opcode ``index``."""
        self._log_serial += 1
        self.ops[index].log.append((self._log_serial, when, kind, message))
        self.changed_here()
        self.touch()

    def set_progress(self, progress: StepProgress | None) -> None:
        """Its running step is that far; ``None`` once that ended or cannot be measured."""
        if progress != self.progress:
            self.progress = progress
            self.touch()

    def touch(self) -> None:
        """Wake up those who wait for a change."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def changed(self) -> Coroutine[Any, Any, object]:  # Any: coroutines yield to the loop
        """Wait for the next change after this call, which counts even before it is awaited."""
        if self._changed is None:
            self._changed = asyncio.Event()
        return self._changed.wait()


def overall_status(statuses: Iterable[JobStatus]) -> JobStatus:
    """State of a job whose opcodes have ``statuses``, in order.

    Opcodes run one after another, so the first that is not a success decides.
    """
    return next(
        (status for status in statuses if status is not JobStatus.SUCCESS), JobStatus.SUCCESS
    )
