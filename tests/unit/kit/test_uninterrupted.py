"""Work that comes to its end although whoever asked for it was cancelled."""

import asyncio

import pytest

from pyganeti.kit.uninterrupted import uninterrupted


async def test_gives_the_result() -> None:
    async def work() -> int:
        return 7

    assert await uninterrupted(work()) == 7


async def test_raises_what_the_work_raises() -> None:
    async def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await uninterrupted(work())


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_caller_waits_for_the_end(times: int) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    caller = asyncio.get_running_loop().create_task(uninterrupted(work()))
    for _ in range(times):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done.is_set()


async def test_an_error_after_the_cancellation_is_not_lost_on_the_floor() -> None:
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        raise ValueError("too late")

    caller = asyncio.get_running_loop().create_task(uninterrupted(work()))
    await asyncio.sleep(0)
    caller.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
