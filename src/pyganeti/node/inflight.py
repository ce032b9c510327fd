"""What is being done under names: who ends a name can wait until nothing is done under it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class InFlight:
    """Work under names, counted."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._ended = asyncio.Event()

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """Something is done under ``name`` meanwhile."""
        self._counts[name] += 1
        try:
            yield
        finally:
            self._counts[name] -= 1
            if not self._counts[name]:
                del self._counts[name]
                self._ended.set()

    async def done(self, name: str) -> None:
        """Wait until nothing is done under ``name``."""
        while name in self._counts:
            self._ended.clear()
            await self._ended.wait()
