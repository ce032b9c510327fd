"""One lock: who holds it, who waits for it. The arbiter's inner parts."""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from .modes import ALL, CONFLICTS, LockName, Mode, strengthen, with_intents
from .request import LockRequest

if TYPE_CHECKING:
    from .arbiter import Held

# Owners that are named where many stand in the way; of thousands the first ones say enough.
NAMED: Final = 20


class Waiter:
    """A request in the queues of all the locks it wants.

    Attributes:
        explicit: locks that it must get, by name.
        modes: the same, whole levels included.
        wanted: these, and those of which it takes what is free.
    """

    __slots__ = (
        "explicit",
        "granted",
        "modes",
        "owner",
        "place",
        "priority",
        "request",
        "wanted",
    )

    def __init__(
        self,
        owner: str,
        request: LockRequest,
        priority: int,
        place: int,
        granted: "asyncio.Future[Held]",
    ) -> None:
        self.owner = owner
        self.request = request
        self.priority = priority
        self.place = place
        self.granted = granted
        self.explicit = request.explicit()
        self.modes = self.wanted = with_intents(self.explicit)
        if request.opportunistic:
            request.check()
            self._want_chances()

    def _want_chances(self) -> None:
        """Names are wanted by chance; what they mean for their level must be had in any case."""
        names = {
            lock: part.mode
            for part in self.request.opportunistic
            for name in part.names
            for lock in part.locks(name)
        }
        for lock, mode in with_intents(names).items():
            if lock[1] == ALL:
                strengthen(self.modes, lock, mode)
        self.wanted = {**self.modes, **names}

    def __lt__(self, other: "Waiter") -> bool:
        return (self.priority, self.place) < (other.priority, other.place)


class Lock:
    """Holders and queue of one lock."""

    __slots__ = ("_counts", "_waiting", "holders", "name", "queue")

    def __init__(self, name: LockName) -> None:
        self.name = name
        self.holders: dict[str, Mode] = {}
        self._counts = dict.fromkeys(Mode, 0)
        self.queue: list[Waiter] = []
        self._waiting = dict.fromkeys(Mode, 0)

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds or wants it."""
        return not (self.holders or self.queue)

    def enter(self, owner: str, mode: Mode) -> None:
        """``owner`` holds it."""
        self.holders[owner] = mode
        self._counts[mode] += 1

    def leave(self, owner: str, mode: Mode) -> None:
        """``owner`` does not hold it any more."""
        del self.holders[owner]
        self._counts[mode] -= 1

    def enqueue(self, waiter: Waiter) -> None:
        """Put ``waiter`` into its place."""
        insort(self.queue, waiter)
        self._waiting[waiter.wanted[self.name]] += 1

    def dequeue(self, waiter: Waiter) -> None:
        """Take ``waiter`` away."""
        index = bisect_left(self.queue, waiter)
        while self.queue[index] is not waiter:  # a place may be shared
            index += 1
        del self.queue[index]
        self._waiting[waiter.wanted[self.name]] -= 1

    def is_free_for(self, mode: Mode) -> bool:
        """Whether no holder conflicts with ``mode``."""
        return not any(self._counts[other] for other in CONFLICTS[mode])

    def is_waited_for_against(self, mode: Mode) -> bool:
        """Whether somebody waits who conflicts with ``mode``."""
        return any(self._waiting[other] for other in CONFLICTS[mode])

    def is_first(self, waiter: Waiter, mode: Mode) -> bool:
        """Whether no conflicting request stands before ``waiter``."""
        if not self.is_waited_for_against(mode):
            return True
        conflicts = CONFLICTS[mode]
        for other in self.queue:
            if other is waiter:
                return True
            if other.wanted[self.name] in conflicts:
                return False
        return True

    def front(self) -> Iterator[Waiter]:
        """Waiters that no conflicting one precedes."""
        seen: set[Mode] = set()
        for waiter in self.queue:
            mode = waiter.wanted[self.name]
            if not (seen & CONFLICTS[mode]):
                yield waiter
            seen.add(mode)
            if Mode.EXCLUSIVE in seen or len(seen) == len(Mode):
                return

    def obstacles(
        self,
    ) -> Iterator[tuple[Waiter, Mode, tuple[str, ...], tuple[str, ...], int]]:
        """For each waiter that cannot have it: how it is wanted, and what stands in the way.

        The last three: holders and owners of requests that come first, :data:`NAMED` at most, and
        the number of all requests that come first; only those that conflict.
        """
        wanted = {waiter.wanted[self.name] for waiter in self.queue}
        holders = {mode: tuple(self._in_the_way(mode)) for mode in wanted}
        first: dict[Mode, list[tuple[int, str]]] = {mode: [] for mode in Mode}
        counts = dict.fromkeys(Mode, 0)
        for number, waiter in enumerate(self.queue):
            mode = waiter.wanted[self.name]
            ahead = sorted(pair for other in CONFLICTS[mode] for pair in first[other])[:NAMED]
            place = sum(counts[other] for other in CONFLICTS[mode])
            if holders[mode] or place:
                yield waiter, mode, holders[mode], tuple(owner for _, owner in ahead), place
            counts[mode] += 1
            if len(first[mode]) < NAMED:
                first[mode].append((number, waiter.owner))

    def _in_the_way(self, mode: Mode) -> Iterator[str]:
        found = (owner for owner, held in self.holders.items() if held in CONFLICTS[mode])
        return islice(found, NAMED)
