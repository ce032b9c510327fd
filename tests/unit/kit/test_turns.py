"""Long work lets others run."""

import asyncio

from pyganeti.kit.clock import monotonic
from pyganeti.kit.turns import SLICE_S, in_turns


def busy(seconds: float) -> None:
    end = monotonic() + seconds
    while monotonic() < end:
        pass


async def test_others_run_in_between() -> None:
    ran = 0

    def other() -> None:
        nonlocal ran
        ran += 1
        loop.call_soon(other)

    loop = asyncio.get_running_loop()
    loop.call_soon(other)
    seen = []
    async for number in in_turns(range(6)):
        busy(2 * SLICE_S)
        seen.append(number)
    assert seen == list(range(6))
    assert ran >= 5


async def test_short_work_is_not_interrupted() -> None:
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    assert [number async for number in in_turns([1, 2])] == [1, 2]
    assert ran == []
