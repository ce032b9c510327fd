"""Locks: who holds them, who waits for whom, as it is shown."""

from pyganeti.master.locks import ALL, BGL, Level, LockManager, LockWait, Mode

from .locking import nodes, settle, some, start


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
