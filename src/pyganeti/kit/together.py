"""Two pieces of work that belong together: done side by side, given up together."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


@contextmanager
def _by_itself() -> Iterator[None]:
    """Who waits for several things knows their errors, and not that they came as a group."""
    try:
        yield
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors.exceptions[0].__cause__


async def together(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]
) -> tuple[A, B]:  # Any: coroutines yield to the loop
    """Do both, ``first`` begins; what they return.

    Raises:
        Exception: the error of the one that failed first, by itself; the other one is ended.
    """
    with _by_itself():
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    return tasks[0].result(), tasks[1].result()


async def all_together(work: Sequence[Coroutine[Any, Any, A]]) -> list[A]:  # Any: as above
    """Do all at once; what they return, in their order. Raises as :func:`together`."""
    with _by_itself():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]
