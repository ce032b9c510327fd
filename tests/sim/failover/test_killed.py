"""The command is killed at each call that it makes: there is one possible master, never two."""

import pytest

from pyganeti.model.errors import GenericError, OpPrereqError
from pyganeti.store.interface import EPOCH, Table, Transaction
from pyganeti.testing.cluster import SimCluster
from tests.sim.failover.make import Command, founded, may_start


async def calls() -> list[tuple[str, str]]:
    """What an undisturbed run calls."""
    command = Command(await founded())
    await command.run()
    return command.client.made


async def killed(at: int, *, done: bool, silent: bool) -> SimCluster:
    """A cluster in which the command was killed at call number ``at``."""
    cluster = await founded()
    if silent:
        await cluster.kill_master()
        cluster.nodes["node1"].reachable = False
    await Command(cluster, kill_at=at, done=done).run_until_killed()
    await cluster.kill_master()
    cluster.nodes["node1"].reachable = True
    return cluster


@pytest.mark.parametrize("silent", [False, True], ids=["answers", "silent"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_there_is_never_more_than_one_possible_master(*, done: bool, silent: bool) -> None:
    ways: set[tuple[bool, bool]] = set()
    for at in range(1, len(await calls()) + 1):
        first = await killed(at, done=done, silent=silent)
        way = await may_start(first, "node1"), await may_start(first, "node2")
        second = await killed(at, done=done, silent=silent)
        other = await may_start(second, "node2"), await may_start(second, "node1")
        assert way != (True, True), at
        assert other != (True, True), at
        # Whoever starts first: it is the same one.
        assert way == (other[1], other[0]), at
        ways.add(way)
    assert ways >= {(True, False), (False, True)}


@pytest.mark.parametrize("silent", [False, True], ids=["answers", "silent"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_repeated_it_gets_to_its_end(*, done: bool, silent: bool) -> None:
    for at in range(1, len(await calls()) + 1):
        cluster = await killed(at, done=done, silent=silent)
        if cluster.nodes["node2"].ssconf("master_node") == "node2\n":
            # Nothing is left to do but to start the daemons.
            assert await may_start(cluster, "node2"), at
            continue
        try:
            new = await Command(cluster).run()
        except GenericError as err:
            raise AssertionError(f"killed at {at}: {err}") from err
        assert new.config.view.cluster.tags == ("first",), at
        assert sorted(new.queue.jobs) == [1], at
        assert not await may_start(cluster, "node1"), at


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_a_third_node_may_take_over_instead(*, done: bool) -> None:
    for at in range(1, len(await calls()) + 1):
        cluster = await killed(at, done=done, silent=True)
        cluster.nodes["node1"].reachable = False
        try:
            new = await Command(cluster, "node3").run()
        except OpPrereqError:
            # Told of the new master already, which the new one itself does not know yet.
            assert cluster.nodes["node3"].ssconf("master_node") == "node2\n", at
            assert (await Command(cluster).run()).config.view.cluster.tags == ("first",), at
            continue
        assert new.config.view.master_node.name == "node3"
        assert new.config.view.cluster.tags == ("first",), at
        cluster.nodes["node1"].reachable = True
        assert not await may_start(cluster, "node1"), at
        assert not await may_start(cluster, "node2"), at


async def test_a_copy_that_names_the_new_master_is_of_a_newer_term() -> None:
    first = await founded()
    first.nodes["node1"].reachable = False
    command = Command(first)
    await command.run()
    at = command.client.made.index(("store_apply", "node2")) + 1
    cluster = await killed(at, done=True, silent=True)
    term = cluster.nodes["node2"].backend.read(Table.META, EPOCH)
    assert int(term or b"0") == cluster.nodes["node2"].epoch
    # What the old master wrote alone meanwhile is told apart, however much it is.
    backend = cluster.nodes["node1"].backend
    for _ in range(9):
        backend.apply(Transaction(backend.dump().seq + 1, ()))
    assert not await may_start(cluster, "node1")
