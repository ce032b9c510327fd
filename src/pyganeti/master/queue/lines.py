"""The jobs that only wait for their turn: who may start next. Pure.

Each limit has a line. A job may start when it is the first in the lines of all its limits and none
of them is full; those that may form a line of their own. An event costs the logarithm of the
number of jobs. See ``docs/design/0005-scheduling.md`` (Limits).
"""

from collections.abc import Iterable, Mapping

from pyganeti.master.queue.limits import Limit
from pyganeti.master.queue.line import Line, Place

Limits = tuple[Limit, ...]


class _Use:
    """How many run, and who waits."""

    __slots__ = ("line", "running")

    def __init__(self) -> None:
        self.running = 0
        self.line = Line()


class Lines:
    """Queued jobs in line, and how many run of each limit."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Place, Limits]] = {}
        self._uses: dict[Limit, _Use] = {}
        self._ready = Line()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> Mapping[Limit, int]:
        """How many jobs run of each limit that somebody has."""
        return {limit: use.running for limit, use in self._uses.items()}

    # --- who waits

    def join(self, place: Place, limits: Limits) -> None:
        """Let the job of ``place`` wait there."""
        self._waiting[place[1]] = place, limits
        for limit in limits:
            self._uses.setdefault(limit, _Use()).line.join(place)
        self._look_at(place[1])

    def move(self, place: Place) -> None:
        """Let a job that may be in line wait at another place."""
        entry = self._waiting.get(place[1])
        if entry is not None:
            self._ready.leave(place[1])
            self.join(place, entry[1])
            # It may have gone to the back.
            self._look_at_first(entry[1])

    def leave(self, job_id: int) -> None:
        """Take a job out, if it is in line."""
        _, limits = self._waiting.pop(job_id, (None, ()))
        self._ready.leave(job_id)
        for limit in limits:
            use = self._uses[limit]
            use.line.leave(job_id)
            self._drop_unused(limit, use)
        self._look_at_first(limits)

    def next(self) -> int | None:
        """The first of those that may start."""
        while (job_id := self._ready.first()) is not None:
            if self.obstacle(job_id) is None:
                return job_id
            # Somebody came before it since it was looked at; it is again when it is first.
            self._ready.leave(job_id)
        return None

    def limits(self, job_id: int) -> Limits:
        """The limits of a job in line."""
        return self._waiting[job_id][1]

    def obstacle(self, job_id: int) -> Limit | None:
        """A limit that keeps a job in line from starting."""
        for limit in self.limits(job_id):
            use = self._uses[limit]
            if use.running >= limit.most or use.line.first() != job_id:
                return limit
        return None

    # --- who runs

    def start(self, job_id: int) -> Limits:
        """A job in line runs from now on; its limits, for :meth:`end`."""
        limits = self.limits(job_id)
        self.begin(limits)
        self.leave(job_id)
        return limits

    def begin(self, limits: Limits) -> None:
        """A job with these limits runs."""
        for limit in limits:
            self._uses.setdefault(limit, _Use()).running += 1

    def end(self, limits: Limits) -> None:
        """A job with these limits does not run any more."""
        for limit in limits:
            use = self._uses[limit]
            use.running -= 1
            self._drop_unused(limit, use)
        self._look_at_first(limits)

    # --- within

    def _look_at(self, job_id: int) -> None:
        if self.obstacle(job_id) is None:
            self._ready.join(self._waiting[job_id][0])

    def _look_at_first(self, limits: Iterable[Limit]) -> None:
        """Something changed on these limits: whoever is first there may be ready now."""
        for limit in limits:
            use = self._uses.get(limit)
            first = None if use is None else use.line.first()
            if first is not None:
                self._look_at(first)

    def _drop_unused(self, limit: Limit, use: _Use) -> None:
        if not use.running and not len(use.line):
            del self._uses[limit]
