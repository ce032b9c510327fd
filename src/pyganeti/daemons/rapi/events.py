"""Events of the master for all who follow them: it is asked once, however many they are.

    readers -> EventFeed.follow -> one of them asks LUXI ``WaitForEvents`` -> all go on

Nobody works for it in the background: whoever comes first asks, the others wait for the answer, and
when it leaves the next one asks. What is known is a copy of what the master keeps, so a reader that
is slow costs no memory: it is told that it missed something.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, Final

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import GenericError
from pyganeti.rapi.call import Told
from pyganeti.rapi.status import RapiError
from pyganeti.wire.luxi.pool import LuxiPool

# Each holds a connection; there are 2 000.
MOST_READERS: Final = 500
# As many as the master keeps.
_KEPT: Final = 20_000
# Handed out at once.
_PART: Final = 1000
# So often a reader hears that its connection lives.
_WAIT_S: Final = 15.0
# While the master daemon does not answer.
_PAUSE_S: Final = 1.0
_Event = dict[str, Any]  # Any: JSON


class EventFeed:
    """See the module.

    Args:
        luxi: the master daemon; needs a connection of its own.
        clock: of the daemon.
        wait_s: how long to wait for the next event before readers are told that there is none.
    """

    def __init__(self, luxi: LuxiPool, clock: Clock, *, wait_s: float = _WAIT_S) -> None:
        self._luxi = luxi
        self._clock = clock
        self._wait_s = wait_s
        self._epoch = 0
        self._serial = 0
        self._kept: deque[_Event] = deque(maxlen=_KEPT)
        self._asked: asyncio.Event | None = None
        self._limit: asyncio.Timeout | None = None
        self._readers = 0
        self._ended = False

    async def follow(self, since: str | None) -> AsyncGenerator[list[Told], None]:
        """Events after one, and then those that come; an empty list every now and then.

        Args:
            since: the id of the last one known. Without it, or if it is too long ago, the first
                thing that is told is that what is known may be out of date.

        Raises:
            RapiError: 503, too many follow already.
        """
        if self._readers >= MOST_READERS:
            text = f"{MOST_READERS} clients follow the events already"
            raise RapiError(HTTPStatus.SERVICE_UNAVAILABLE, text, [("Retry-After", "60")])
        self._readers += 1
        try:
            # Who is let in hears so before anything has happened.
            yield []
            at = _position(since)
            while not self._ended:
                await self._ask(at)
                found, at = self._after(at)
                yield found
        finally:
            self._readers -= 1

    def end(self) -> None:
        """Let all readers go."""
        self._ended = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _ask(self, at: tuple[int, int] | None) -> None:
        """Come to know more, unless more than ``at`` is known already."""
        if self._epoch and at != (self._epoch, self._serial):
            return
        if self._asked is not None:
            await self._asked.wait()
            return
        asked = self._asked = asyncio.Event()
        try:
            async with asyncio.timeout(None) as self._limit:
                await self._renew()
        except TimeoutError:
            pass  # it is time to end
        finally:
            self._asked = self._limit = None
            asked.set()

    async def _renew(self) -> None:
        # The first answer is there at once; without it nobody knows from where to count.
        wait_s = self._wait_s if self._epoch else 0.0
        try:
            answer = await self._luxi.call("WaitForEvents", [self._epoch, self._serial, wait_s])
        except GenericError:
            # Away, or another master begins: readers stay, and hear of it when it is back.
            await self._clock.sleep(_PAUSE_S)
            return
        if not answer["whole"]:
            self._kept.clear()
        self._kept.extend(answer["events"])
        self._epoch, self._serial = answer["epoch"], answer["serial"]

    def _after(self, at: tuple[int, int] | None) -> tuple[list[Told], tuple[int, int] | None]:
        """What is known after ``at``, and where that ends."""
        if not self._epoch:
            return [], at
        newest = self._epoch, self._serial
        if at == newest:
            return [], at
        first = self._serial - len(self._kept) + 1
        if at is None or at[0] != self._epoch or not first - 1 <= at[1] <= self._serial:
            return [Told(_id(*newest), None)], newest
        begin = at[1] - first + 1
        found = [self._kept[n] for n in range(begin, min(begin + _PART, len(self._kept)))]
        told = [Told(_id(self._epoch, event["serial"]), event) for event in found]
        return told, (self._epoch, found[-1]["serial"])


def _id(epoch: int, serial: int) -> str:
    return f"{epoch}-{serial}"


def _position(since: str | None) -> tuple[int, int] | None:
    """Term and number; nothing for what no event of ours was called."""
    epoch, _, serial = (since or "").partition("-")
    digits = len(epoch) + len(serial) < 40 and epoch.isascii() and serial.isascii()
    return (int(epoch), int(serial)) if digits and epoch.isdigit() and serial.isdigit() else None
