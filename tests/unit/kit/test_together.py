"""Two pieces of work side by side: results, the first error by itself, the other one ended."""

import asyncio

import pytest

from pyganeti.kit.together import together


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def fail(text: str) -> int:
    await asyncio.sleep(0)
    try:
        raise KeyError(text)
    except KeyError as err:
        raise ValueError(text) from err


async def test_results_come_in_order() -> None:
    assert await together(answer(1), answer(2)) == (1, 2)


@pytest.mark.parametrize("failing_first", [True, False])
async def test_an_error_comes_by_itself_and_ends_the_other(failing_first: bool) -> None:
    ended = []

    async def endless() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return 0

    pair = (fail("x"), endless()) if failing_first else (endless(), fail("x"))
    with pytest.raises(ValueError, match="x") as raised:
        await together(*pair)
    assert isinstance(raised.value.__cause__, KeyError)
    assert ended == [True]
