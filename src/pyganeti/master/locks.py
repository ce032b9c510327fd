"""Locks on the cluster's objects: who may work on what at the same time.

Requests name all they want at once and are granted whole, in the order of priority and age; see
``docs/design/0003-jobs-locks-steps.md``. Single event loop, no waiting inside: the arbiter's state
changes only in :meth:`LockManager.acquire`, ``release`` and ``withdraw``.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from pyganeti.model.errors import LockError


class Level(IntEnum):
    """Lock levels in the order in which they are listed and shown."""

    CLUSTER = 0
    INSTANCE = 1
    NODEGROUP = 2
    NODE = 3
    NODE_RES = 4
    NETWORK = 5

    @property
    def label(self) -> str:
        """The level's name as users see it: ``node-res``."""
        return self.name.lower().replace("_", "-")


class Mode(StrEnum):
    """How a lock is held; intent modes are held on a whole level by those who hold a name in it."""

    INTENT_SHARED = "intent-shared"
    INTENT_EXCLUSIVE = "intent-exclusive"
    SHARED = "shared"
    EXCLUSIVE = "exclusive"


BGL: Final = "BGL"
ALL: Final = "[lockset]"

_CONFLICTS: Final[dict[Mode, frozenset[Mode]]] = {
    Mode.INTENT_SHARED: frozenset({Mode.EXCLUSIVE}),
    Mode.INTENT_EXCLUSIVE: frozenset({Mode.SHARED, Mode.EXCLUSIVE}),
    Mode.SHARED: frozenset({Mode.INTENT_EXCLUSIVE, Mode.EXCLUSIVE}),
    Mode.EXCLUSIVE: frozenset(Mode),
}
_STRENGTH: Final = {mode: rank for rank, mode in enumerate(Mode)}

LockName = tuple[Level, str]


def _names() -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class LockRequest:
    """What an opcode wants to hold; exclusive unless it is named in a ``shared_*`` field.

    A field holds object names (UUIDs for nodes, groups and networks; names for instances), or
    ``{ALL}`` for the whole level. The cluster's own lock is taken shared unless ``cluster`` is set.
    """

    instances: frozenset[str] = field(default_factory=_names)
    groups: frozenset[str] = field(default_factory=_names)
    nodes: frozenset[str] = field(default_factory=_names)
    node_res: frozenset[str] = field(default_factory=_names)
    networks: frozenset[str] = field(default_factory=_names)
    shared_instances: frozenset[str] = field(default_factory=_names)
    shared_groups: frozenset[str] = field(default_factory=_names)
    shared_nodes: frozenset[str] = field(default_factory=_names)
    shared_node_res: frozenset[str] = field(default_factory=_names)
    shared_networks: frozenset[str] = field(default_factory=_names)
    cluster: bool = False

    def modes(self) -> dict[LockName, Mode]:
        """Each lock wanted with its strongest mode, level locks included."""
        wanted: dict[LockName, Mode] = {}
        top = Mode.EXCLUSIVE if self.cluster else Mode.SHARED
        wanted[Level.CLUSTER, BGL] = top
        by_level: Iterable[tuple[Level, frozenset[str], frozenset[str]]] = (
            (Level.INSTANCE, self.instances, self.shared_instances),
            (Level.NODEGROUP, self.groups, self.shared_groups),
            (Level.NODE, self.nodes, self.shared_nodes),
            (Level.NODE_RES, self.node_res, self.shared_node_res),
            (Level.NETWORK, self.networks, self.shared_networks),
        )
        for level, exclusive, shared in by_level:
            for names, mode, intent in (
                (shared, Mode.SHARED, Mode.INTENT_SHARED),
                (exclusive, Mode.EXCLUSIVE, Mode.INTENT_EXCLUSIVE),
            ):
                for name in names:
                    _strengthen(wanted, (level, name), mode)
                    if name != ALL:
                        _strengthen(wanted, (level, ALL), intent)
        return wanted

    def covers(self, other: "LockRequest") -> bool:
        """Whether holding this is enough for ``other``."""
        if self == other:
            return True
        mine = self.modes()
        for (level, name), mode in other.modes().items():
            held = mine.get((level, name))
            whole = mine.get((level, ALL))
            if not (_suffices(held, mode) or (name != ALL and _suffices(whole, mode))):
                return False
        return True


def _strengthen(wanted: dict[LockName, Mode], name: LockName, mode: Mode) -> None:
    now = wanted.get(name)
    if {now, mode} == {Mode.SHARED, Mode.INTENT_EXCLUSIVE}:
        # All shared and some of them exclusive: neither mode keeps out all that the other does.
        wanted[name] = Mode.EXCLUSIVE
    elif now is None or _STRENGTH[mode] > _STRENGTH[now]:
        wanted[name] = mode


def _suffices(held: Mode | None, wanted: Mode) -> bool:
    if held is None:
        return False
    if held is wanted or held is Mode.EXCLUSIVE:
        return True
    return wanted is Mode.INTENT_SHARED


@dataclass(frozen=True, slots=True)
class Held:
    """Locks granted to ``owner``; give them back with :meth:`LockManager.release`."""

    owner: str
    modes: dict[LockName, Mode]
    place: int


class _Waiter:
    """A request in the queues of all the locks it wants."""

    __slots__ = ("granted", "modes", "owner", "place", "priority")

    def __init__(
        self,
        owner: str,
        modes: dict[LockName, Mode],
        priority: int,
        place: int,
        granted: asyncio.Future[Held],
    ) -> None:
        self.owner = owner
        self.modes = modes
        self.priority = priority
        self.place = place
        self.granted = granted

    def __lt__(self, other: "_Waiter") -> bool:
        return (self.priority, self.place) < (other.priority, other.place)


class _Lock:
    """Holders and queue of one lock."""

    __slots__ = ("counts", "holders", "queue", "waiting")

    def __init__(self) -> None:
        self.holders: dict[str, Mode] = {}
        self.counts = dict.fromkeys(Mode, 0)
        self.queue: list[_Waiter] = []
        self.waiting = dict.fromkeys(Mode, 0)

    def is_free_for(self, mode: Mode) -> bool:
        return not any(self.counts[other] for other in _CONFLICTS[mode])

    def is_first(self, waiter: _Waiter, name: LockName) -> bool:
        """Whether no conflicting request stands before ``waiter``."""
        conflicts = _CONFLICTS[waiter.modes[name]]
        if not any(self.waiting[mode] for mode in conflicts):
            return True
        for other in self.queue:
            if other is waiter:
                return True
            if other.modes[name] in conflicts:
                return False
        return True


@dataclass(frozen=True, slots=True)
class LockState:
    """One lock as ``gnt-debug locks`` shows it: owners, and who waits, in order."""

    level: Level
    name: str
    mode: Mode | None
    owners: tuple[str, ...]
    pending: tuple[tuple[Mode, tuple[str, ...]], ...]


class LockManager:
    """Grants requests; fair, deadlock-free."""

    def __init__(self) -> None:
        self._locks: dict[LockName, _Lock] = {}
        self._places = 0
        self._waiters: dict[str, _Waiter] = {}
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
            LockError: this owner waits or holds locks already.
            asyncio.CancelledError: cancelled while waiting; nothing is held.
        """
        if owner in self._waiters:
            raise LockError(f"{owner} waits for locks already")
        if owner in self._held:
            raise LockError(f"{owner} holds locks already")
        waiter = _Waiter(
            owner,
            request.modes(),
            priority,
            self.new_place() if place is None else place,
            asyncio.get_running_loop().create_future(),
        )
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
        if self._held.get(held.owner) is not held:
            raise LockError(f"{held.owner} does not hold these locks any more")
        del self._held[held.owner]
        for name, mode in held.modes.items():
            lock = self._locks[name]
            del lock.holders[held.owner]
            lock.counts[mode] -= 1
        self._regrant(held.modes.items())

    def change_priority(self, owner: str, priority: int) -> bool:
        """Move a waiting request of ``owner``; whether there was one."""
        waiter = self._waiters.get(owner)
        if waiter is None:
            return False
        self._dequeue(waiter)
        waiter.priority = priority
        self._enqueue(waiter)
        self._regrant(waiter.modes.items())
        return True

    def _enqueue(self, waiter: _Waiter) -> None:
        self._waiters[waiter.owner] = waiter
        for name, mode in waiter.modes.items():
            lock = self._locks.setdefault(name, _Lock())
            insort(lock.queue, waiter)
            lock.waiting[mode] += 1

    def _dequeue(self, waiter: _Waiter) -> None:
        del self._waiters[waiter.owner]
        for name, mode in waiter.modes.items():
            lock = self._locks[name]
            index = bisect_left(lock.queue, waiter)
            while lock.queue[index] is not waiter:  # a place may be shared
                index += 1
            del lock.queue[index]
            lock.waiting[mode] -= 1

    def _withdraw(self, waiter: _Waiter) -> None:
        self._dequeue(waiter)
        self._regrant(waiter.modes.items())

    def _grant_if_possible(self, waiter: _Waiter) -> bool:
        if waiter.granted.done():
            return False  # cancelled in this very turn of the loop; it is about to withdraw
        for name, mode in waiter.modes.items():
            lock = self._locks[name]
            if not (lock.is_free_for(mode) and lock.is_first(waiter, name)):
                return False
        self._dequeue(waiter)
        for name, mode in waiter.modes.items():
            lock = self._locks[name]
            lock.holders[waiter.owner] = mode
            lock.counts[mode] += 1
        held = self._held[waiter.owner] = Held(waiter.owner, waiter.modes, waiter.place)
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
            if any(lock.waiting[other] for other in _CONFLICTS[mode]):
                for waiter in list(self._front(lock, name)):
                    if self._grant_if_possible(waiter):
                        pending.update(dict.fromkeys(waiter.modes.items()))
            if not (lock.holders or lock.queue):
                del self._locks[name]

    @staticmethod
    def _front(lock: _Lock, name: LockName) -> Iterator[_Waiter]:
        """Waiters that no conflicting one of the same lock precedes."""
        seen: set[Mode] = set()
        for waiter in lock.queue:
            mode = waiter.modes[name]
            if not (seen & _CONFLICTS[mode]):
                yield waiter
            seen.add(mode)
            if Mode.EXCLUSIVE in seen or len(seen) == len(Mode):
                return

    def states(self) -> list[LockState]:
        """All locks that are held or wanted, by level and name."""
        return [
            self._state(level, name, self._locks[level, name])
            for level, name in sorted(self._locks)
            if self._locks[level, name].holders or self._locks[level, name].queue
        ]

    @staticmethod
    def _state(level: Level, name: str, lock: _Lock) -> LockState:
        mode = max(lock.holders.values(), key=_STRENGTH.__getitem__, default=None)
        pending = tuple((waiter.modes[level, name], (waiter.owner,)) for waiter in lock.queue)
        return LockState(level, name, mode, tuple(sorted(lock.holders)), pending)

    def waiting(self) -> list[str]:
        """Owners that wait, in the order of priority and age."""
        return [waiter.owner for waiter in sorted(self._waiters.values())]
