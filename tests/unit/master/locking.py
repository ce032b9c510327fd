"""What tests of locks ask for, and how they watch who gets it."""

import asyncio
from collections.abc import Coroutine
from itertools import product
from typing import Any

from pyganeti.master.locks import (
    ALL,
    BGL,
    Held,
    Level,
    LockRequest,
    Opportunistic,
)

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


def some(*names: str, least: int = 1, shared: bool = False) -> LockRequest:
    """As many of the nodes, each with its resources, as are free."""
    levels = frozenset({Level.NODE, Level.NODE_RES})
    return LockRequest(
        opportunistic=(Opportunistic(levels, frozenset(names), least, shared=shared),)
    )
