"""Which jobs wait for tasks on nodes at this moment, for ``gnt-debug waits``.

Told by :mod:`pyganeti.master.nodes` around each wait.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyganeti.kit.clock import timestamp
from pyganeti.master.queue.waits import QueueWait, WaitKind


class NodeTasks:
    """Waits for tasks on nodes.

    Args:
        now: tells the time, in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._waits: dict[int, QueueWait] = {}
        self._count = 0

    @contextmanager
    def waiting(self, job: int, node: str, procedure: str) -> Iterator[None]:
        """Job ``job`` waits meanwhile for what ``procedure`` does on the node of this name."""
        self._count += 1
        number = self._count
        on = f"{procedure} on {node}"
        self._waits[number] = QueueWait(job, WaitKind.TASK, on, timestamp(self._now()))
        try:
            yield
        finally:
            del self._waits[number]

    def waits(self) -> list[QueueWait]:
        """Waits of jobs, in the order in which they began; the master's own are left out."""
        return [wait for wait in self._waits.values() if wait.job]
