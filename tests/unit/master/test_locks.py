"""Locks: who may hold what together, what is enough, and how it is given back."""

import pytest

from pyganeti.master.locks import ALL, BGL, Level, LockManager, LockRequest, Mode
from pyganeti.model.errors import LockError

from .locking import EVERYTHING, PAIRS, REQUESTS, conflict, is_granted, nodes, settle, start


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_only_what_does_not_conflict_is_held_together(first: str, second: str) -> None:
    locks = LockManager()
    one = await locks.acquire("one", REQUESTS[first])
    two = start(locks.acquire("two", REQUESTS[second]))
    # A whole level keeps out those who want single names of it, and the other way round.
    assert await is_granted(two) is not conflict(REQUESTS[first], REQUESTS[second])
    locks.release(one)
    locks.release(await two)
    assert locks.states() == []


async def test_all_shared_and_one_exclusive_keeps_other_readers_out() -> None:
    locks = LockManager()
    await locks.acquire("writer", REQUESTS["all shared, n1"])
    assert not await is_granted(start(locks.acquire("reader", REQUESTS["all shared"])))


async def test_granted_whole_or_not_at_all() -> None:
    locks = LockManager()
    first = await locks.acquire("first", nodes("n1"))
    both = start(locks.acquire("both", nodes("n1", "n2")))
    await settle()
    owners = {state.name: state.owners for state in locks.states() if state.level is Level.NODE}
    assert owners == {"n1": ("first",), "n2": (), ALL: ("first",)}
    locks.release(first)
    assert (await both).modes[Level.NODE, "n2"] is Mode.EXCLUSIVE


async def test_an_owner_holds_one_request_and_gives_it_back_once() -> None:
    locks = LockManager()
    held = await locks.acquire("one", nodes("n1"))
    with pytest.raises(LockError, match="holds"):
        await locks.acquire("one", nodes("n2"))
    locks.release(held)
    with pytest.raises(LockError):
        locks.release(held)
    again = await locks.acquire("one", nodes("n1"))
    with pytest.raises(LockError):
        locks.release(held)
    locks.release(again)
    assert locks.states() == []


@pytest.mark.parametrize(("mine", "other"), PAIRS)
def test_what_is_enough_keeps_out_all_that_the_other_does(mine: str, other: str) -> None:
    held, wanted = REQUESTS[mine], REQUESTS[other]
    if wanted.is_held(held.modes()):
        for third in REQUESTS.values():
            assert conflict(held, third) or not conflict(wanted, third)


def test_what_is_held_may_be_enough_for_another_request() -> None:
    whole, reading = REQUESTS["all"].modes(), REQUESTS["all shared"].modes()
    for request in REQUESTS.values():
        assert request.is_held(request.modes())
        assert LockRequest().is_held(request.modes())
    assert nodes("n1", "n2").is_held(whole)
    assert REQUESTS["all shared"].is_held(whole)
    assert nodes("n1", shared=True).is_held(reading)
    assert not nodes("n1").is_held(reading)
    assert nodes("n1", shared=True).is_held(nodes("n1").modes())
    assert not nodes("n2").is_held(nodes("n1").modes())
    assert not REQUESTS["all"].is_held(nodes("n1", "n2", "n3").modes())
    assert not EVERYTHING.is_held(LockRequest().modes())


async def test_what_is_given_back_early_goes_to_others() -> None:
    locks = LockManager()
    both = LockRequest(nodes=frozenset({"n1"}), node_res=frozenset({"n1", "n2"}))
    held = await locks.acquire("job", both)
    waiting = start(locks.acquire("other", LockRequest(node_res=frozenset({"n2"}))))
    whole = start(locks.acquire("whole", LockRequest(node_res=frozenset({ALL}))))
    assert not await is_granted(waiting)
    held = locks.give_back(held, [(Level.NODE_RES, "n2")])
    assert await is_granted(waiting)
    locks.release(await waiting)
    assert not await is_granted(whole)
    held = locks.give_back(held, [(Level.NODE_RES, "n1")])
    assert await is_granted(whole)
    locks.release(held)
    locks.release(await whole)
    assert locks.states() == []


async def test_a_lock_held_shared_from_now_on_lets_readers_in() -> None:
    locks = LockManager()
    held = await locks.acquire("job", nodes("n1"))
    reader = start(locks.acquire("reader", REQUESTS["all shared"]))
    writer = start(locks.acquire("writer", nodes("n1")))
    assert not await is_granted(reader)
    before, held = held, locks.downgrade(held, [(Level.NODE, "n1")])
    assert await is_granted(reader)
    assert not await is_granted(writer)
    with pytest.raises(LockError):
        locks.release(before)
    locks.release(held)
    locks.release(await reader)
    locks.release(await writer)
    assert locks.states() == []


async def test_all_shared_is_left_when_the_one_exclusive_is_downgraded() -> None:
    locks = LockManager()
    held = await locks.acquire("job", REQUESTS["all shared, n1"])
    reader = start(locks.acquire("reader", nodes("n2", shared=True)))
    assert not await is_granted(reader)
    locks.downgrade(held, [(Level.NODE, "n1")])
    assert await is_granted(reader)


@pytest.mark.parametrize("lock", [(Level.CLUSTER, BGL), (Level.NODE, ALL), (Level.NODE, "n2")])
async def test_only_what_was_asked_for_by_name_is_given_back(lock: tuple[Level, str]) -> None:
    locks = LockManager()
    held = await locks.acquire("job", nodes("n1"))
    for change in (locks.give_back, locks.downgrade):
        with pytest.raises(LockError, match=lock[1].strip("[]")):
            change(held, [lock])
    locks.release(held)
