"""What clients of LUXI may take of the master's memory, one by one and in all.

Source: docs/design/0007-luxi.md.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from .message import MAX_REQUEST, MIB

# What commands send; so much is kept for each client without asking.
SMALL: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds; sizes in bytes.

    Attributes:
        clients: connections at once; whoever comes next waits to be accepted.
        request: the longest request.
        discarded: how much of one that is too long is read for the sake of its end.
        large_requests: what requests above 64 KiB may take in all, from the first byte to the
            answer.
        unsent: what answers that were not taken yet may take in all.
        request_s: a request must be whole after this time.
        slow_s: the same, while others wait for its room.
        silent_s: an answer of which nothing was taken for this time is given up.
        stuck_s: the same, while others wait for its room.
        idle_s: a client that asked for nothing this long goes when another one waits.
        round_s: how often clients are looked at.
    """

    clients: int = 2000
    request: int = MAX_REQUEST
    discarded: int = 1024 * MIB
    large_requests: int = 4 * MAX_REQUEST
    unsent: int = 128 * MIB
    request_s: float = 60.0
    slow_s: float = 5.0
    silent_s: float = 180.0
    stuck_s: float = 1.0
    idle_s: float = 10.0
    round_s: float = 1.0


class Room:
    """A number of bytes, given out in the order asked.

    Args:
        size: how many there are.

    Attributes:
        free: how many are left.
    """

    def __init__(self, size: int) -> None:
        self.free = size
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits."""
        return any(not turn.done() for _, turn in self._line)

    async def take(self, size: int) -> None:
        """Wait until ``size`` bytes are free, and have them; no more than there are."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((size, turn))
        self._serve_line()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(size)
            else:
                self._serve_line()
            raise

    def give_back(self, size: int) -> None:
        """Have ``size`` bytes no more."""
        self.free += size
        self._serve_line()

    def _serve_line(self) -> None:
        while self._line and (self._line[0][0] <= self.free or self._line[0][1].cancelled()):
            size, turn = self._line.popleft()
            if not turn.cancelled():
                self.free -= size
                turn.set_result(None)
