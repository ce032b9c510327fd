"""Waiting until nothing is done under a name."""

import asyncio

from pyganeti.node.inflight import InFlight


async def test_waits_for_all_that_is_done_under_a_name() -> None:
    work, ended = InFlight(), []

    async def wait(name: str) -> None:
        await work.done(name)
        ended.append(name)

    await wait("a")
    async with asyncio.TaskGroup() as group:
        with work.doing("b"):
            with work.doing("a"):
                for name in ("a", "a", "b", "c"):
                    group.create_task(wait(name))
                with work.doing("a"):
                    await asyncio.sleep(0)
                await asyncio.sleep(0.01)
                assert ended == ["a", "c"]
            await asyncio.sleep(0.01)
            assert ended == ["a", "c", "a", "a"]
    assert ended[-1] == "b"
