"""Two pieces of work that belong together: done side by side, given up together."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def together(
    first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]
) -> tuple[A, B]:  # Any: coroutines yield to the loop
    """Do both, ``first`` begins; what they return.

    Raises:
        Exception: the error of the one that failed first, by itself; the other one is ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except ExceptionGroup as errors:
        # Who waits for two things knows their errors, and not that they came as a group.
        raise errors.exceptions[0] from errors.exceptions[0].__cause__
    return tasks[0].result(), tasks[1].result()


async def all_together(work: Sequence[Coroutine[Any, Any, A]]) -> list[A]:  # Any: as above
    """Do all at once; what they return, in their order. Raises as :func:`together`."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors.exceptions[0].__cause__
    return [task.result() for task in tasks]
