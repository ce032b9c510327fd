"""The cluster's address must have gone from the old master before it comes up on the new one.

Asked is the network, not the old master: that one may not answer, or say what is not so. Source:
Ganeti waits as long, and goes on as well.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final

from pyganeti.kit.clock import Clock

RELEASE_S: Final = 30.0
_PAUSE_S: Final = 1.0

Answers = Callable[[str], Awaitable[bool]]
"""Whether somebody answers at an address."""


async def is_given_up(address: str, answers: Answers, clock: Clock, *, wait_s: float) -> bool:
    """Whether nobody answers at ``address``, at the latest after ``wait_s`` seconds.

    A loopback address is each machine's own and says nothing of others.
    """
    if ipaddress.ip_address(address).is_loopback:
        return True
    deadline = clock.monotonic() + wait_s
    while await answers(address):
        if clock.monotonic() >= deadline:
            return False
        await clock.sleep(_PAUSE_S)
    return True
