"""Grants lock requests: whole, fair, without deadlock.

Single event loop, no waiting inside: the state changes only in :meth:`LockManager.acquire`,
``release``, ``give_back``, ``downgrade``, ``change_priority`` and when a waiting request is
cancelled.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.model.errors import LockError

from .lock import Lock, Waiter
from .modes import BGL, STRENGTH, Level, LockName, Mode, with_intents
from .request import LockRequest


@dataclass(frozen=True, slots=True)
class Held:
    """Locks granted to ``owner``; give them back with :meth:`LockManager.release`.

    Attributes:
        owner: who has them.
        explicit: the locks asked for by name.
        modes: the same, and what they mean for whole levels.
        place: the age of the request.
        chosen: names granted of its opportunistic part, by level.
    """

    owner: str
    explicit: Mapping[LockName, Mode]
    modes: dict[LockName, Mode]
    place: int
    chosen: Mapping[Level, frozenset[str]]


@dataclass(frozen=True, slots=True)
class LockState:
    """One lock as ``gnt-debug locks`` shows it: owners, and who waits, in order."""

    level: Level
    name: str
    mode: Mode | None
    owners: tuple[str, ...]
    pending: tuple[tuple[Mode, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class LockWait:
    """A lock that keeps a request waiting.

    Attributes:
        owner: who waits.
        lock: for what.
        mode: how it is wanted.
        holders: who holds it in a way that conflicts, the first :data:`NAMED`.
        ahead: whose conflicting request comes first, the first :data:`NAMED`.
        place: how many conflicting requests come first.
    """

    owner: str
    lock: LockName
    mode: Mode
    holders: tuple[str, ...]
    ahead: tuple[str, ...]
    place: int


_NO_NAMES: Final[Mapping[Level, frozenset[str]]] = {}


class LockManager:
    """Grants requests; fair, deadlock-free."""

    def __init__(self) -> None:
        self._locks: dict[LockName, Lock] = {}
        self._places = 0
        self._waiters: dict[str, Waiter] = {}
        self._held: dict[str, Held] = {}

    def new_place(self) -> int:
        """A place in the queue, behind all given out so far."""
        self._places += 1
        return self._places

    async def acquire(
        self, owner: str, request: LockRequest, *, priority: int = 0, place: int | None = None
    ) -> Held:
        """Wait until ``owner`` may hold all of ``request`` and take it.

        Args:
            owner: who asks; one request an owner at a time.
            request: what is wanted.
            priority: -20 (first) to 19; within one priority age decides.
            place: the age of an earlier request that this one takes up again.

        Raises:
            LockError: this owner waits or holds locks already, or the request's opportunistic part
                can never be granted.
            asyncio.CancelledError: cancelled while waiting; nothing is held.
        """
        if owner in self._waiters:
            raise LockError(f"{owner} waits for locks already")
        if owner in self._held:
            raise LockError(f"{owner} holds locks already")
        granted: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        place = self.new_place() if place is None else place
        waiter = Waiter(owner, request, priority, place, granted)
        self._enqueue(waiter)
        self._grant_if_possible(waiter)
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            held = self._held.get(owner)
            if held is not None:
                self.release(held)
            else:
                self._withdraw(waiter)
            raise

    def release(self, held: Held) -> None:
        """Give back all locks of ``held`` and grant what now can be.

        Raises:
            LockError: they were given back already.
        """
        self._check_is_newest(held)
        del self._held[held.owner]
        for name, mode in held.modes.items():
            self._locks[name].leave(held.owner, mode)
        self._regrant(held.modes.items())

    def give_back(self, held: Held, names: Iterable[LockName]) -> Held:
        """Give back some locks and grant what now can be; the locks that are left.

        Raises:
            LockError: one is not held, or is the cluster's, which is kept.
        """
        explicit = self._without(held, names)
        return self._change(held, explicit)

    def downgrade(self, held: Held, names: Iterable[LockName]) -> Held:
        """Hold some locks shared from now on and grant what now can be; the locks held then.

        Raises:
            LockError: one is not held, or is the cluster's.
        """
        names = list(names)
        explicit = self._without(held, names)
        explicit.update(dict.fromkeys(names, Mode.SHARED))
        return self._change(held, explicit)

    def _check_is_newest(self, held: Held) -> None:
        if self._held.get(held.owner) is not held:
            raise LockError(f"{held.owner} does not hold these locks any more")

    def _without(self, held: Held, names: Iterable[LockName]) -> dict[LockName, Mode]:
        self._check_is_newest(held)
        explicit = dict(held.explicit)
        for level, name in names:
            if name == BGL or explicit.pop((level, name), None) is None:
                raise LockError(f"{held.owner} cannot give back {level.label}/{name}")
        return explicit

    def _change(self, held: Held, explicit: dict[LockName, Mode]) -> Held:
        after = Held(held.owner, explicit, with_intents(explicit), held.place, held.chosen)
        changed = [
            (name, mode) for name, mode in held.modes.items() if after.modes.get(name) is not mode
        ]
        for name, mode in changed:
            lock = self._locks[name]
            lock.leave(held.owner, mode)
            now = after.modes.get(name)
            if now is not None:
                lock.enter(held.owner, now)
        self._held[held.owner] = after
        self._regrant(changed)
        return after

    def change_priority(self, owner: str, priority: int) -> bool:
        """Move a waiting request of ``owner``; whether there was one."""
        waiter = self._waiters.get(owner)
        if waiter is None:
            return False
        self._dequeue(waiter)
        waiter.priority = priority
        self._enqueue(waiter)
        self._regrant(waiter.wanted.items())
        return True

    def _enqueue(self, waiter: Waiter) -> None:
        self._waiters[waiter.owner] = waiter
        for name in waiter.wanted:
            lock = self._locks.get(name)
            if lock is None:
                lock = self._locks[name] = Lock(name)
            lock.enqueue(waiter)

    def _dequeue(self, waiter: Waiter) -> None:
        del self._waiters[waiter.owner]
        for name in waiter.wanted:
            self._locks[name].dequeue(waiter)

    def _withdraw(self, waiter: Waiter) -> None:
        self._dequeue(waiter)
        self._regrant(waiter.wanted.items())

    def _is_free(self, waiter: Waiter, name: LockName, mode: Mode) -> bool:
        lock = self._locks[name]
        return lock.is_free_for(mode) and lock.is_first(waiter, mode)

    def _choice(self, waiter: Waiter) -> dict[LockName, Mode] | None:
        """What of the opportunistic part is free; ``None`` when that is not enough."""
        found: dict[LockName, Mode] = {}
        for part in waiter.request.opportunistic:
            mode = part.mode
            free = [
                locks
                for locks in map(part.locks, part.names)
                if all(self._is_free(waiter, lock, mode) for lock in locks)
            ]
            if len(free) < part.least:
                return None
            found.update((lock, mode) for locks in free for lock in locks)
        return found

    def _grant_if_possible(self, waiter: Waiter) -> bool:
        if waiter.granted.done():
            return False  # cancelled in this very turn of the loop; it is about to withdraw
        for name, mode in waiter.modes.items():
            if not self._is_free(waiter, name, mode):
                return False
        choice = self._choice(waiter) if waiter.request.opportunistic else {}
        if choice is None:
            return False
        self._dequeue(waiter)
        explicit, modes = waiter.explicit, waiter.modes
        if choice:
            explicit, modes = {**explicit, **choice}, {**modes, **choice}
        for name, mode in modes.items():
            self._locks[name].enter(waiter.owner, mode)
        self._drop_idle(waiter.wanted.keys() - modes.keys())
        held = Held(waiter.owner, explicit, modes, waiter.place, _by_level(choice))
        self._held[waiter.owner] = held
        waiter.granted.set_result(held)
        return True

    def _regrant(self, changed: Iterable[tuple[LockName, Mode]]) -> None:
        """Grant whoever can go now that a holder or waiter with that mode left that lock.

        Only requests that conflict with the mode can gain by it, so ten thousand shared waiters
        behind a shared holder cost nothing. Granting changes the queues of the waiter's other
        locks, where the next may now be first; these are looked at again until nothing moves.
        """
        pending = dict.fromkeys(changed)
        while pending:
            (name, mode), _ = pending.popitem()
            lock = self._locks.get(name)
            if lock is None:
                continue
            if lock.is_waited_for_against(mode):
                for waiter in list(lock.front()):
                    if self._grant_if_possible(waiter):
                        pending.update(dict.fromkeys(waiter.wanted.items()))
            self._drop_idle((name,))

    def _drop_idle(self, names: Iterable[LockName]) -> None:
        for name in names:
            if name in self._locks and self._locks[name].is_idle:
                del self._locks[name]

    def states(self) -> list[LockState]:
        """All locks that are held or wanted, by level and name."""
        return [self._state(self._locks[name]) for name in sorted(self._locks)]

    @staticmethod
    def _state(lock: Lock) -> LockState:
        mode = max(lock.holders.values(), key=STRENGTH.__getitem__, default=None)
        pending = tuple((waiter.wanted[lock.name], (waiter.owner,)) for waiter in lock.queue)
        return LockState(*lock.name, mode, tuple(sorted(lock.holders)), pending)

    def waiting(self) -> list[str]:
        """Owners that wait, in the order of priority and age."""
        return [waiter.owner for waiter in sorted(self._waiters.values())]

    def waits(self) -> list[LockWait]:
        """Which locks keep which requests waiting, by level and name, then in order.

        Of an opportunistic part that has not enough free names, each name that is not free.
        """
        lacking = {owner: self._lacking(waiter) for owner, waiter in self._waiters.items()}
        return [
            LockWait(waiter.owner, name, mode, holders, ahead, place)
            for name in sorted(self._locks)
            for waiter, mode, holders, ahead, place in self._locks[name].obstacles()
            if name in waiter.modes or name in lacking[waiter.owner]
        ]

    def _lacking(self, waiter: Waiter) -> set[LockName]:
        """Locks of the opportunistic parts that have not enough free names."""
        names: set[LockName] = set()
        for part in waiter.request.opportunistic:
            locks = [part.locks(name) for name in part.names]
            free = sum(all(self._is_free(waiter, lock, part.mode) for lock in row) for row in locks)
            if free < part.least:
                names.update(lock for row in locks for lock in row)
        return names


def _by_level(choice: Mapping[LockName, Mode]) -> Mapping[Level, frozenset[str]]:
    if not choice:
        return _NO_NAMES
    levels = {level for level, _ in choice}
    return {at: frozenset(name for level, name in choice if level is at) for at in levels}
