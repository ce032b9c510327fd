"""Locks: requests for as many as are free."""

from dataclasses import replace

import pytest

from pyganeti.master.locks import ALL, Level, LockManager, LockRequest
from pyganeti.model.errors import LockError

from .locking import REQUESTS, is_granted, nodes, settle, some, start


async def test_takes_what_is_free_and_waits_for_nothing_else() -> None:
    locks = LockManager()
    busy = await locks.acquire("busy", LockRequest(node_res=frozenset({"n1"})))
    held = await locks.acquire("some", some("n1", "n2", "n3"))
    free = frozenset({"n2", "n3"})
    assert held.chosen == {Level.NODE: free, Level.NODE_RES: free}
    assert (Level.NODE, "n1") not in held.modes
    # What it did not get is there for others, even for those who come later.
    locks.release(await locks.acquire("other", nodes("n1")))
    locks.release(busy)
    locks.release(held)
    assert locks.states() == []


async def test_waits_in_its_place_while_too_few_are_free() -> None:
    locks = LockManager()
    first = await locks.acquire("first", nodes("n1"))
    second = await locks.acquire("second", nodes("n2"))
    both = start(locks.acquire("both", some("n1", "n2", "n3", least=2)))
    await settle()
    late = start(locks.acquire("late", nodes("n3")))
    assert not await is_granted(both)
    assert not await is_granted(late)  # n3 would make up the two
    locks.release(first)
    assert (await both).chosen[Level.NODE] == {"n1", "n3"}
    assert not await is_granted(late)
    locks.release(await both)
    locks.release(await late)
    locks.release(second)
    assert locks.states() == []


async def test_what_an_earlier_request_waits_for_is_not_free() -> None:
    locks = LockManager()
    reader = await locks.acquire("reader", nodes("n1", shared=True))
    writer = start(locks.acquire("writer", nodes("n1")))
    await settle()
    held = await locks.acquire("some", some("n1", "n2", shared=True))
    assert held.chosen[Level.NODE] == {"n2"}
    locks.release(reader)
    await writer


async def test_a_level_that_is_held_as_a_whole_has_no_free_names() -> None:
    locks = LockManager()
    whole = await locks.acquire("whole", REQUESTS["all shared"])
    locks.release(await locks.acquire("reader", some("n1", shared=True)))
    waiting = start(locks.acquire("some", some("n1", "n2")))
    assert not await is_granted(waiting)
    locks.release(whole)
    assert await is_granted(waiting)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (some("n1", least=2), "at least 2 of 1"),
        (some("n1", least=0), "at least 0 of 1"),
        (some(), "at least 1 of 0"),
        (some(ALL), "by level and name"),
        (replace(some("n1"), shared_nodes=frozenset({"n1"})), "node/n1"),
        (replace(some("n1"), node_res=frozenset({ALL})), r"node-res/\[lockset"),
        (LockRequest(opportunistic=some("n1", "n2").opportunistic * 2), "node/n1"),
    ],
)
async def test_refuses_what_can_never_be_granted(request_: LockRequest, said: str) -> None:
    locks = LockManager()
    with pytest.raises(LockError, match=said):
        await locks.acquire("some", request_)
    assert locks.states() == []
    assert locks.waiting() == []


def test_enough_by_chance_is_what_is_asked_for() -> None:
    held = {**nodes("n1", "n2").modes(), **LockRequest(node_res=frozenset({"n2"})).modes()}
    assert some("n1", "n2", "n9").is_held(held)
    assert not some("n1", "n2", "n9", least=2).is_held(held)
    assert not some("n1").is_held(held)
