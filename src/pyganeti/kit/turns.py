"""Long work in the event loop, in turns with everything else."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

from .clock import monotonic

T = TypeVar("T")

# So long others may wait; the loop is promised to everybody within 20 ms.
SLICE_S: Final = 0.005


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield ``items``; others run in between as soon as a slice of time is used up.

    What the items are read from must not change meanwhile, or may.
    """
    end = monotonic() + SLICE_S
    for item in items:
        if monotonic() > end:
            await asyncio.sleep(0)
            end = monotonic() + SLICE_S
        yield item
