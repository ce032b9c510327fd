"""Thousands of random schedules: whatever happens, the rules of the lock manager hold."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from pyganeti.master.locks import ALL, Held, LockManager, LockName, LockRequest, Mode

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

    modes: dict[LockName, Mode]
    priority: int
    place: int
    task: "asyncio.Task[Held]"

    @property
    def rank(self) -> tuple[int, int]:
        """Order in which requests are served."""
        return self.priority, self.place


@dataclass
class Schedule:
    """One random run and what is known of it."""

    chance: random.Random
    locks: LockManager = field(default_factory=LockManager)
    waiting: dict[str, Asked] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    count: int = 0

    def request(self) -> LockRequest:
        names = [ALL, "a", "b", "c", "d"]
        wanted = {
            what: frozenset(self.chance.sample(names, self.chance.choice((0, 1, 1, 2))))
            for what in self.chance.sample(FIELDS, self.chance.choice((1, 1, 2, 3)))
        }
        return LockRequest(**wanted, cluster=self.chance.random() < 0.05)

    def ask(self) -> None:
        self.count += 1
        owner, request = f"job{self.count}", self.request()
        place, priority = self.locks.new_place(), self.chance.choice((-5, 0, 0, 0, 5))
        work = self.locks.acquire(owner, request, priority=priority, place=place)
        task = asyncio.get_running_loop().create_task(work)
        self.waiting[owner] = Asked(request.modes(), priority, place, task)

    def cancel(self) -> None:
        if self.waiting:
            self.waiting[self.chance.choice(list(self.waiting))].task.cancel()

    def release(self) -> None:
        if self.held:
            self.locks.release(self.held.pop(self.chance.choice(list(self.held))))

    def change_priority(self) -> None:
        if self.waiting:
            owner = self.chance.choice(list(self.waiting))
            priority = self.chance.choice((-10, 0, 10))
            if self.locks.change_priority(owner, priority):
                self.waiting[owner].priority = priority

    async def step(self) -> None:
        """One to three events in the same tick, then look."""
        events = (self.ask, self.ask, self.release, self.release, self.cancel, self.change_priority)
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            self.chance.choice(events)()
        await self.look()

    async def look(self) -> None:
        """Collect what was granted and check every rule."""
        for _ in range(4):
            await asyncio.sleep(0)
        for owner, asked in list(self.waiting.items()):
            if asked.task.done():
                del self.waiting[owner]
                if not asked.task.cancelled():
                    self.held[owner] = asked.task.result()
                    assert self.held[owner].modes == asked.modes
        self.check_exclusion()
        self.check_order()
        self.check_states()

    def check_exclusion(self) -> None:
        holders = list(self.held.values())
        for index, one in enumerate(holders):
            for two in holders[index + 1 :]:
                assert not modes_conflict(one.modes, two.modes), (one, two)

    def check_order(self) -> None:
        """Who waits has a reason: a holder, or an earlier one that waits. Nobody else does."""
        ranked = sorted(self.waiting.items(), key=lambda item: item[1].rank)
        assert self.locks.waiting() == [owner for owner, _ in ranked]
        earlier: list[Asked] = []
        for owner, asked in ranked:
            assert any(modes_conflict(asked.modes, held.modes) for held in self.held.values()) or (
                any(modes_conflict(asked.modes, other.modes) for other in earlier)
            ), f"{owner} waits for nothing"
            earlier.append(asked)

    def check_states(self) -> None:
        owners = {owner for state in self.locks.states() for owner in state.owners}
        assert owners == set(self.held)

    async def drain(self) -> None:
        """Give everything back: everybody's turn comes."""
        while self.held or self.waiting:
            assert self.held, "all wait and nobody holds"
            self.release()
            await self.look()
        assert self.locks.states() == []


async def run(seed: int, steps: int) -> None:
    schedule = Schedule(random.Random(seed))
    try:
        for _ in range(steps):
            await schedule.step()
        await schedule.drain()
    except BaseException as err:
        err.add_note(f"seed {seed}")
        raise


async def test_random_schedules() -> None:
    for seed in range(300):
        await run(seed, 40)


@pytest.mark.soak
async def test_many_long_random_schedules() -> None:
    for seed in range(1000, 6000):
        await run(seed, 120)


async def test_an_earlier_request_is_not_overtaken() -> None:
    """While it waits, nobody of the same or lower urgency who came later and conflicts gets in."""
    for seed in range(100):
        schedule = Schedule(random.Random(seed))
        for _ in range(60):
            waited, held = dict(schedule.waiting), set(schedule.held)
            schedule.chance.choice((schedule.ask, schedule.ask, schedule.release))()
            ranks = {owner: asked.rank for owner, asked in schedule.waiting.items()}
            await schedule.look()
            for owner in schedule.held.keys() - held:
                for other, asked in waited.items():
                    if other in schedule.waiting and ranks[other] < ranks[owner]:
                        assert not modes_conflict(asked.modes, schedule.held[owner].modes), seed
        await schedule.drain()
