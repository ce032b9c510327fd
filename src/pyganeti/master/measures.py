"""What the master counts of its own work, for monitoring programs.

    processor, executions, node calls, replication -> :class:`Measures` -> LUXI ``QueryMeasures``

Kept in memory, from the start of the daemon on. Source: ``docs/metrics.md``.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.durations import Durations
from pyganeti.model.enums import FINALIZED, JobStatus
from pyganeti.model.errors import CallTimeout, GenericError, NodeUnreachable
from pyganeti.wire.noderpc.call import NodeAddress

# In seconds. A no-op job takes milliseconds, a new instance minutes, a disk that is moved hours.
_JOBS: Final = (0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 43200)
# A node on the same network answers in milliseconds; it is given up after minutes.
_CALLS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)
# How a node call may end: answered, answered with an error, not answered.
_OK: Final = "ok"
_ERROR: Final = "error"
_SILENT: Final = "silent"


class Measures:
    """Counters; see the attributes. A ``Watch`` of the calls of nodes.

    Attributes:
        queued: from a job's submission until it begins.
        ran: from its begin to its end, by how it ended.
        lock_waits: of opcodes, whether or not they got the locks.
        calls: of nodes, by how they ended; tasks of long ones are not waited for.
        confirmed: until the candidates have a change that the master's disk has.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.queued = Durations(_JOBS)
        self.ran = {status: Durations(_JOBS) for status in JobStatus if status in FINALIZED}
        self.lock_waits = Durations(_JOBS)
        self.calls = {end: Durations(_CALLS) for end in (_OK, _ERROR, _SILENT)}
        self.confirmed = Durations(_CALLS)

    @contextmanager
    def timed(self, durations: Durations) -> Iterator[None]:
        """Count how long the body takes, however it ends."""
        begin = self._clock.monotonic()
        try:
            yield
        finally:
            durations.add(self._clock.monotonic() - begin)

    @contextmanager
    def over_request(self, _node: NodeAddress) -> Iterator[None]:
        """Count a node call; one that its caller gave up counts as silent. See ``Watch``."""
        begin, end = self._clock.monotonic(), _SILENT
        try:
            yield
            end = _OK
        except (NodeUnreachable, CallTimeout):
            raise
        except GenericError:
            end = _ERROR
            raise
        finally:
            self.calls[end].add(self._clock.monotonic() - begin)

    def over_task(self, _node: NodeAddress) -> AbstractContextManager[None]:
        """Waits for tasks are not counted. See ``Watch``."""
        return nullcontext()

    def told(self) -> list[dict[str, Any]]:  # Any: JSON
        """All of them: ``name``, ``of`` (``""`` for all), ``bounds``, ``counts`` and ``sum``."""
        return [
            _told("job_queue", "", self.queued),
            *(_told("job_run", status.value, one) for status, one in self.ran.items()),
            _told("lock_wait", "", self.lock_waits),
            *(_told("node_call", end, one) for end, one in self.calls.items()),
            _told("replication", "", self.confirmed),
        ]


def _told(name: str, of: str, one: Durations) -> dict[str, Any]:  # Any: JSON
    return {"name": name, "of": of, "bounds": one.bounds, "counts": one.counts, "sum": one.sum_s}
