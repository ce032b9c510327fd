"""Locks: in which order requests are granted, and what changes it."""

import asyncio

import pytest

from pyganeti.master.locks import (
    Held,
    LockManager,
)
from pyganeti.model.errors import LockError

from .locking import is_granted, nodes, settle, start


async def test_nobody_overtakes_on_a_lock_that_an_earlier_one_waits_for() -> None:
    locks = LockManager()
    first = await locks.acquire("first", nodes("n1"))
    both = start(locks.acquire("both", nodes("n1", "n2")))
    await settle()
    late = start(locks.acquire("late", nodes("n2")))
    free = start(locks.acquire("free", nodes("n3")))
    assert await is_granted(free)
    assert not await is_granted(late)
    locks.release(first)
    held = await both
    assert not await is_granted(late)
    locks.release(held)
    assert await is_granted(late)


async def test_readers_that_come_later_wait_behind_a_writer() -> None:
    locks = LockManager()
    reader = await locks.acquire("reader", nodes("n1", shared=True))
    writer = start(locks.acquire("writer", nodes("n1")))
    await settle()
    late = [start(locks.acquire(f"late{n}", nodes("n1", shared=True))) for n in range(3)]
    await settle()
    assert locks.waiting() == ["writer", "late0", "late1", "late2"]
    locks.release(reader)
    held = await writer
    assert not any([await is_granted(task) for task in late])
    locks.release(held)
    assert all([await is_granted(task) for task in late])


async def test_urgent_requests_go_first_and_equal_ones_by_age() -> None:
    locks, order = LockManager(), list[str]()
    first = await locks.acquire("first", nodes("n1"))

    async def take(owner: str, priority: int) -> Held:
        held = await locks.acquire(owner, nodes("n1"), priority=priority)
        order.append(owner)
        locks.release(held)
        return held

    wanted = (("a", 5), ("b", 0), ("c", 0), ("d", -20))
    tasks = [start(take(owner, priority)) for owner, priority in wanted]
    await settle()
    locks.release(first)
    await asyncio.gather(*tasks)
    assert order == ["d", "b", "c", "a"]


async def test_a_request_taken_up_again_keeps_its_place() -> None:
    locks = LockManager()
    place = locks.new_place()
    old = await locks.acquire("old", nodes("n1"), place=place)
    young = start(locks.acquire("young", nodes("n1")))
    blocker = await locks.acquire("blocker", nodes("n2"))
    await settle()
    locks.release(old)
    held = await young
    again = start(locks.acquire("old", nodes("n1", "n2"), place=place))
    await settle()
    younger = start(locks.acquire("younger", nodes("n1")))
    await settle()
    assert locks.waiting() == ["old", "younger"]
    locks.release(held)
    assert not await is_granted(younger)
    locks.release(blocker)
    locks.release(await again)
    assert await is_granted(younger)


async def test_raising_the_priority_may_grant_at_once() -> None:
    locks = LockManager()
    reader = await locks.acquire("reader", nodes("n1", shared=True))
    writer = start(locks.acquire("writer", nodes("n1")))
    await settle()
    late = start(locks.acquire("late", nodes("n1", shared=True)))
    await settle()
    assert not locks.change_priority("reader", -5)
    assert locks.change_priority("late", -5)
    assert await is_granted(late)
    locks.release(await late)
    locks.release(reader)
    assert await is_granted(writer)


async def test_lowering_the_priority_lets_the_next_one_go() -> None:
    locks = LockManager()
    reader = await locks.acquire("reader", nodes("n1", shared=True))
    writer = start(locks.acquire("writer", nodes("n1")))
    await settle()
    late = start(locks.acquire("late", nodes("n1", shared=True)))
    await settle()
    assert locks.change_priority("writer", 5)
    assert await is_granted(late)
    locks.release(reader)
    assert not await is_granted(writer)
    locks.release(await late)
    assert await is_granted(writer)


async def test_a_cancelled_request_leaves_the_queue_and_lets_others_go() -> None:
    locks = LockManager()
    reader = await locks.acquire("reader", nodes("n1", shared=True))
    writer = start(locks.acquire("writer", nodes("n1")))
    await settle()
    late = start(locks.acquire("late", nodes("n1", shared=True)))
    await settle()
    writer.cancel()
    assert await is_granted(late)
    assert locks.waiting() == []
    locks.release(await late)
    locks.release(reader)
    assert locks.states() == []


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_cancelled_in_the_same_tick_as_the_grant(cancel_first: bool) -> None:
    locks = LockManager()
    first = await locks.acquire("first", nodes("n1"))
    second = start(locks.acquire("second", nodes("n1")))
    await settle()
    third = start(locks.acquire("third", nodes("n1")))
    await settle()
    if cancel_first:
        second.cancel()
        locks.release(first)
    else:
        locks.release(first)
        second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    locks.release(await third)
    assert locks.states() == []


async def test_the_owner_may_ask_again_after_a_cancelled_request() -> None:
    locks = LockManager()
    first = await locks.acquire("first", nodes("n1"))
    second = start(locks.acquire("second", nodes("n1")))
    await settle()
    with pytest.raises(LockError, match="waits"):
        await locks.acquire("second", nodes("n2"))
    second.cancel()
    await settle()
    locks.release(await locks.acquire("second", nodes("n2")))
    locks.release(first)
    assert locks.states() == []
