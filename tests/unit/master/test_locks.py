"""Locks: who may hold what together, in which order requests are granted, how they end."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from pyganeti.master.locks import (
    ALL,
    BGL,
    Held,
    Level,
    LockManager,
    LockRequest,
    LockWait,
    Mode,
    Opportunistic,
)
from pyganeti.model.errors import LockError

NODES = {"n1", "n2", "n3"}


def nodes(*names: str, shared: bool = False) -> LockRequest:
    """A request for node locks."""
    if shared:
        return LockRequest(shared_nodes=frozenset(names))
    return LockRequest(nodes=frozenset(names))


EVERYTHING = LockRequest(cluster=True)
REQUESTS = {
    "nothing": LockRequest(),
    "cluster": EVERYTHING,
    "n1": nodes("n1"),
    "n1 shared": nodes("n1", shared=True),
    "n2": nodes("n2"),
    "n1 and n2": nodes("n1", "n2"),
    "all": nodes(ALL),
    "all shared": nodes(ALL, shared=True),
    "all shared, n1": LockRequest(
        nodes=frozenset({"n1"}),
        shared_nodes=frozenset({ALL}),
    ),
    "n1, n2 shared": LockRequest(
        nodes=frozenset({"n1"}),
        shared_nodes=frozenset({"n2"}),
    ),
    "instance n1": LockRequest(instances=frozenset({"n1"})),
}


PAIRS = list(product(REQUESTS, REQUESTS))


def held_names(request: LockRequest) -> dict[tuple[Level, str], bool]:
    """What a request means, without intents: each single lock and whether it is exclusive."""
    meant: dict[tuple[Level, str], bool] = {(Level.CLUSTER, BGL): request.cluster}
    for level, exclusive, shared in (
        (Level.NODE, request.nodes, request.shared_nodes),
        (Level.INSTANCE, request.instances, request.shared_instances),
    ):
        for names, is_exclusive in ((shared, False), (exclusive, True)):
            for name in NODES if ALL in names else names:
                meant[level, name] = is_exclusive or meant.get((level, name), False)
    return meant


def conflict(first: LockRequest, second: LockRequest) -> bool:
    """Whether two requests want one thing that one of them wants alone."""
    one, two = held_names(first), held_names(second)
    return any(one[name] or two[name] for name in one.keys() & two.keys())


async def settle() -> None:
    """Let all tasks run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def start(work: Coroutine[Any, Any, Held]) -> "asyncio.Task[Held]":
    """A request under way."""
    return asyncio.get_running_loop().create_task(work)


async def is_granted(task: "asyncio.Task[Held]") -> bool:
    """Whether the request was granted by now."""
    await settle()
    return task.done() and not task.cancelled()


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


async def test_states_show_owners_and_who_waits_in_order() -> None:
    locks = LockManager()
    for owner in ("a", "b"):
        await locks.acquire(owner, nodes("n1", shared=True))
    start(locks.acquire("late", nodes("n1")))
    start(locks.acquire("urgent", nodes("n1"), priority=-1))
    await settle()
    shown = {(state.level.label, state.name): state for state in locks.states()}
    assert list(shown) == [("cluster", BGL), ("node", ALL), ("node", "n1")]
    state = shown["node", "n1"]
    assert (state.mode, state.owners) == (Mode.SHARED, ("a", "b"))
    assert state.pending == ((Mode.EXCLUSIVE, ("urgent",)), (Mode.EXCLUSIVE, ("late",)))
    assert Level.NODE_RES.label == "node-res"


# --- as many as are free


def some(*names: str, least: int = 1, shared: bool = False) -> LockRequest:
    """As many of the nodes, each with its resources, as are free."""
    levels = frozenset({Level.NODE, Level.NODE_RES})
    return LockRequest(
        opportunistic=(Opportunistic(levels, frozenset(names), least, shared=shared),)
    )


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


# --- given back early


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


# --- who waits for whom


async def test_waits_say_who_stands_in_the_way() -> None:
    locks = LockManager()
    await locks.acquire("holder", nodes("n1"))
    start(locks.acquire("first", nodes("n1", "n2")))
    await settle()
    start(locks.acquire("second", nodes("n2", "n3")))
    start(locks.acquire("some", some("n1", "n3", "n4", least=2)))
    await settle()
    n1, n2, n3 = ((Level.NODE, name) for name in ("n1", "n2", "n3"))
    alone = Mode.EXCLUSIVE
    assert locks.waits() == [
        LockWait("first", n1, alone, ("holder",), (), 0),
        LockWait("some", n1, alone, ("holder",), ("first",), 1),
        LockWait("second", n2, alone, (), ("first",), 1),
        LockWait("some", n3, alone, (), ("second",), 1),
    ]


async def test_waits_name_the_first_of_many() -> None:
    locks = LockManager()
    for number in range(30):
        await locks.acquire(f"reader{number}", nodes("n1", shared=True))
    for number in range(30):
        start(locks.acquire(f"writer{number}", nodes("n1")))
        await settle()
    last = locks.waits()[-1]
    assert last.holders == tuple(f"reader{number}" for number in range(20))
    assert last.ahead == tuple(f"writer{number}" for number in range(20))
    assert last.place == 29
