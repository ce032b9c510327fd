"""Thousands of random schedules: whatever happens, the rules of the lock manager hold."""

import asyncio
import random
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pytest

from pyganeti.master.locks import (
    ALL,
    BGL,
    Held,
    Level,
    LockManager,
    LockName,
    LockRequest,
    Mode,
    Opportunistic,
)

# From the table in docs/design/0003-jobs-locks-steps.md, written out once more on purpose.
TOGETHER = {
    (Mode.INTENT_SHARED, Mode.INTENT_SHARED),
    (Mode.INTENT_SHARED, Mode.INTENT_EXCLUSIVE),
    (Mode.INTENT_SHARED, Mode.SHARED),
    (Mode.INTENT_EXCLUSIVE, Mode.INTENT_SHARED),
    (Mode.INTENT_EXCLUSIVE, Mode.INTENT_EXCLUSIVE),
    (Mode.SHARED, Mode.INTENT_SHARED),
    (Mode.SHARED, Mode.SHARED),
}
FIELDS = ("instances", "nodes", "node_res", "shared_instances", "shared_nodes", "shared_node_res")


def modes_conflict(one: dict[LockName, Mode], two: dict[LockName, Mode]) -> bool:
    return any((one[name], two[name]) not in TOGETHER for name in one.keys() & two.keys())


@dataclass
class Asked:
    """A request that waits."""

    request: LockRequest
    priority: int
    place: int
    task: "asyncio.Task[Held]"

    @property
    def rank(self) -> tuple[int, int]:
        """Order in which requests are served."""
        return self.priority, self.place

    @cached_property
    def wanted(self) -> dict[LockName, Mode]:
        """All it may get, what it needs and what it takes by chance."""
        modes = dict(self.must)
        for part in self.request.opportunistic:
            modes.update((lock, part.mode) for name in part.names for lock in part.locks(name))
        return modes

    @cached_property
    def must(self) -> dict[LockName, Mode]:
        """What it needs in any case; of a part, the intents that follow from any of its names."""
        modes = self.request.modes()
        for part in self.request.opportunistic:
            one = min(part.names)
            fields = {_FIELDS[level, part.shared]: frozenset({one}) for level in part.levels}
            both = LockRequest(**as_any({**named(self.request), **fields})).modes()
            modes.update((lock, mode) for lock, mode in both.items() if lock[1] == ALL)
        return modes

    def lacks(self, others: "list[dict[LockName, Mode]]") -> bool:
        """Whether one of ``others`` stands in its way."""
        if any(modes_conflict(self.must, other) for other in others):
            return True
        return any(
            len(part.names - busy(part, others)) < part.least for part in self.request.opportunistic
        )


_FIELDS = {
    (Level.NODE, False): "nodes",
    (Level.NODE, True): "shared_nodes",
    (Level.NODE_RES, False): "node_res",
    (Level.NODE_RES, True): "shared_node_res",
}


def as_any(fields: dict[str, frozenset[str]]) -> Any:  # Any: fields of several types
    return fields


def named(request: LockRequest) -> dict[str, frozenset[str]]:
    return {name: getattr(request, name) for name in FIELDS}


def busy(part: Opportunistic, others: list[dict[LockName, Mode]]) -> set[str]:
    """Names of ``part`` that one of ``others`` keeps it from."""
    return {
        name
        for name in part.names
        if any(
            modes_conflict(dict.fromkeys(part.locks(name), part.mode), other) for other in others
        )
    }


@dataclass
class Schedule:
    """One random run and what is known of it."""

    chance: random.Random
    locks: LockManager = field(default_factory=LockManager)
    waiting: dict[str, Asked] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    count: int = 0
    chosen: int = 0

    def request(self) -> LockRequest:
        names = [ALL, *"abcd"]
        wanted = {
            what: frozenset(self.chance.sample(names, self.chance.choice((0, 1, 1, 2))))
            for what in self.chance.sample(FIELDS, self.chance.choice((1, 1, 2, 3)))
        }
        firm = LockRequest(**as_any(wanted), cluster=self.chance.random() < 0.05)
        if self.chance.random() < 0.7:
            return firm
        return replace(firm, opportunistic=self.opportunistic(firm))

    def opportunistic(self, firm: LockRequest) -> tuple[Opportunistic, ...]:
        levels = frozenset(
            self.chance.sample((Level.NODE, Level.NODE_RES), self.chance.choice((1, 2)))
        )
        taken = {name for level, name in firm.explicit() if level in levels}
        free = sorted({*"abcde"} - taken)
        if ALL in taken or not free:
            return ()
        names = frozenset(self.chance.sample(free, self.chance.randint(1, len(free))))
        least = self.chance.randint(1, len(names))
        return (Opportunistic(levels, names, least, shared=self.chance.random() < 0.3),)

    def ask(self) -> None:
        self.count += 1
        owner, request = f"job{self.count}", self.request()
        place, priority = self.locks.new_place(), self.chance.choice((-5, 0, 0, 0, 5))
        work = self.locks.acquire(owner, request, priority=priority, place=place)
        task = asyncio.get_running_loop().create_task(work)
        self.waiting[owner] = Asked(request, priority, place, task)

    def cancel(self) -> None:
        if self.waiting:
            self.waiting[self.chance.choice(list(self.waiting))].task.cancel()

    def release(self) -> None:
        if self.held:
            self.locks.release(self.held.pop(self.chance.choice(list(self.held))))

    def weaken(self) -> None:
        """Give some locks back early, or hold them shared."""
        if self.held:
            owner = self.chance.choice(list(self.held))
            names = [lock for lock in self.held[owner].explicit if lock[1] != BGL]
            some = self.chance.sample(names, self.chance.randint(0, len(names)))
            change = self.chance.choice((self.locks.give_back, self.locks.downgrade))
            self.held[owner] = change(self.held[owner], some)

    def change_priority(self) -> None:
        if self.waiting:
            owner = self.chance.choice(list(self.waiting))
            priority = self.chance.choice((-10, 0, 10))
            if self.locks.change_priority(owner, priority):
                self.waiting[owner].priority = priority

    async def step(self) -> None:
        """One to three events in the same tick, then look."""
        events = (
            *(self.ask, self.ask, self.ask, self.release, self.release),
            *(self.weaken, self.cancel, self.change_priority),
        )
        number = self.chance.choice((1, 1, 2, 3))
        for _ in range(number):
            self.chance.choice(events)()
        await self.look(alone=number == 1)

    async def look(self, *, alone: bool = False) -> None:
        """Collect what was granted and check every rule.

        Args:
            alone: there was one event only, so it is known what was free then.
        """
        for _ in range(4):
            await asyncio.sleep(0)
        granted: dict[str, Asked] = {}
        for owner, asked in list(self.waiting.items()):
            if asked.task.done():
                del self.waiting[owner]
                if not asked.task.cancelled():
                    self.held[owner] = asked.task.result()
                    granted[owner] = asked
                    self.check_granted(self.held[owner], asked)
        if alone and len(granted) == 1:
            self.check_choice(*granted.popitem())
        self.check_exclusion()
        self.check_order()
        self.check_states()
        self.check_waits()

    @staticmethod
    def check_granted(held: Held, asked: Asked) -> None:
        """It has what it must have, and of the rest nothing that it did not ask for."""
        assert asked.request.is_held(held.modes)
        assert asked.must.items() <= held.modes.items() <= asked.wanted.items()
        for part in asked.request.opportunistic:
            found = [held.chosen[level] & part.names for level in part.levels]
            assert len(set(found)) == 1
            assert len(found[0]) >= part.least

    def check_choice(self, owner: str, asked: Asked) -> None:
        """What was granted by chance is all that was free."""
        others = [held.modes for other, held in self.held.items() if other != owner]
        others += [other.wanted for other in self.waiting.values() if other.rank < asked.rank]
        for part in asked.request.opportunistic:
            (level, *_) = part.levels
            assert self.held[owner].chosen[level] & part.names == part.names - busy(part, others)
            self.chosen += 1

    def check_exclusion(self) -> None:
        holders = list(self.held.values())
        for index, one in enumerate(holders):
            for two in holders[index + 1 :]:
                assert not modes_conflict(one.modes, two.modes), (one, two)

    def check_order(self) -> None:
        """Who waits has a reason: a holder, or an earlier one that waits. Nobody else does."""
        ranked = sorted(self.waiting.items(), key=lambda item: item[1].rank)
        assert self.locks.waiting() == [owner for owner, _ in ranked]
        others = [held.modes for held in self.held.values()]
        for owner, asked in ranked:
            assert asked.lacks(others), f"{owner} waits for nothing"
            others.append(asked.wanted)

    def check_states(self) -> None:
        owners = {owner for state in self.locks.states() for owner in state.owners}
        assert owners == set(self.held)

    def check_waits(self) -> None:
        """Everybody who waits is told why, truly."""
        waits = self.locks.waits()
        assert {wait.owner for wait in waits} == set(self.waiting)
        for wait in waits:
            asked, here = self.waiting[wait.owner], {wait.lock: wait.mode}
            assert asked.wanted[wait.lock] is wait.mode
            holders = {
                owner for owner, held in self.held.items() if modes_conflict(here, held.modes)
            }
            ahead = {
                owner
                for owner, other in self.waiting.items()
                if other.rank < asked.rank and modes_conflict(here, other.wanted)
            }
            assert (set(wait.holders), set(wait.ahead)) == (holders, ahead)
            assert wait.place == len(ahead)

    async def drain(self) -> None:
        """Give everything back: everybody's turn comes."""
        while self.held or self.waiting:
            assert self.held, "all wait and nobody holds"
            self.release()
            await self.look()
        assert self.locks.states() == []


async def run(seed: int, steps: int) -> int:
    schedule = Schedule(random.Random(seed))
    try:
        for _ in range(steps):
            await schedule.step()
        await schedule.drain()
    except BaseException as err:
        err.add_note(f"seed {seed}")
        raise
    return schedule.chosen


async def test_random_schedules() -> None:
    chosen = [await run(seed, 20) for seed in range(1500)]
    assert sum(chosen) > 500  # otherwise the schedules do not show what is taken by chance


@pytest.mark.soak
async def test_many_long_random_schedules() -> None:
    for seed in range(10_000, 15_000):
        await run(seed, 120)


async def test_an_earlier_request_is_not_overtaken() -> None:
    """While it waits, nobody of the same or lower urgency who came later and conflicts gets in."""
    for seed in range(500):
        schedule = Schedule(random.Random(seed))
        for _ in range(15):
            waited, held = dict(schedule.waiting), set(schedule.held)
            events = (schedule.ask, schedule.ask, schedule.release, schedule.weaken)
            schedule.chance.choice(events)()
            ranks = {owner: asked.rank for owner, asked in schedule.waiting.items()}
            await schedule.look()
            for owner in schedule.held.keys() - held:
                for other, asked in waited.items():
                    if other in schedule.waiting and ranks[other] < ranks[owner]:
                        assert not modes_conflict(asked.wanted, schedule.held[owner].modes), seed
        await schedule.drain()
