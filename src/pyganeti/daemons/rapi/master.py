"""The master daemon as resources see it: LUXI, on the query socket."""

from collections.abc import AsyncGenerator
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.rapi.call import Json, Told
from pyganeti.wire.luxi.client import LuxiClosed
from pyganeti.wire.luxi.pool import LuxiPool

from .events import EventFeed

# Of masterd's 2 000 connections; commands and others need some.
MOST_QUESTIONS: Final = 100
MOST_WAITS: Final = 900


class LuxiMaster:
    """Calls that are short and calls that wait take no place from each other.

    Args:
        address: path of the unix socket.
        clock: of the daemon.
    """

    def __init__(
        self, address: str, clock: Clock, questions: int = MOST_QUESTIONS, waits: int = MOST_WAITS
    ) -> None:
        self._questions = LuxiPool(address, questions)
        self._waits = LuxiPool(address, waits)
        self._one_more = LuxiPool(address, 1)
        self._feed = EventFeed(self._one_more, clock)

    async def ask(self, method: str, *args: object) -> Json:
        """See :class:`pyganeti.rapi.call.Master`."""
        try:
            return await self._questions.call(method, list(args))
        except LuxiClosed:
            # A master daemon that stops ends its connections; what only asks may ask the next one.
            if not method.startswith("Query"):
                raise
        return await self._questions.call(method, list(args))

    async def wait(self, *args: object) -> Json:
        """See :class:`pyganeti.rapi.call.Master`."""
        return await self._waits.call("WaitForJobChange", list(args))

    def events(self, since: str | None) -> AsyncGenerator[list[Told], None]:
        """See :class:`pyganeti.rapi.call.Master`."""
        return self._feed.follow(since)

    def end_events(self) -> None:
        """Let go who follows them."""
        self._feed.end()

    def close(self) -> None:
        """End connections."""
        for pool in (self._questions, self._waits, self._one_more):
            pool.close()
