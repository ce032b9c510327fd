"""Work that must come to its end once it was begun, whatever becomes of whoever asked for it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:  # Any: coroutines yield to the loop
    """Run ``work`` to its end; a cancellation of the caller counts only then.

    For short work that others rely on: memory and disk must tell the same story afterwards.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: the cancellation is what the caller gets
        raise
