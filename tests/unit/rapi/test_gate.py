"""Who gets in, and how long it takes those who should not."""

import asyncio
import base64
import logging
from http import HTTPStatus

import pytest

from pyganeti.rapi.gate import FORGET_S, LONGEST_DELAY_S, MOST_HELD, Gate
from pyganeti.rapi.status import RapiError
from pyganeti.rapi.users import Option, parse_users

WRITE = frozenset({Option.WRITE})
EITHER = frozenset({Option.READ, Option.WRITE})
ANYONE: frozenset[Option] = frozenset()
USERS = parse_users("ann secret1\nbob secret2 read\ncarl secret3 write\n")
HERE = "192.0.2.1"


class FakeClock:
    """Time that passes when somebody sleeps, unless it is held."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def now(self) -> float:
        """As monotonic."""
        return self.time

    def monotonic(self) -> float:
        """Seconds."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.slept.append(seconds)
        await self.gate.wait()
        self.time += seconds


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def gate(clock: FakeClock, *, all_need: bool = False) -> Gate:
    return Gate(lambda: USERS, clock, all_need=all_need)


async def status(
    made: Gate, header: str | None, access: frozenset[Option], address: str = HERE
) -> int:
    try:
        await made.admit(header, address, access)
    except RapiError as err:
        return int(err.status)
    return 200


@pytest.mark.parametrize(
    ("header", "anyone", "either", "write"),
    [
        (None, 200, 401, 401),
        (basic("ann:secret1"), 200, 403, 403),
        (basic("bob:secret2"), 200, 200, 403),
        (basic("carl:secret3"), 200, 200, 200),
        (basic("carl:secret2"), 401, 401, 401),
        (basic("nobody:x"), 401, 401, 401),
        (basic("carl"), 401, 401, 401),
        (basic(""), 401, 401, 401),
        ("basic  " + basic("carl:secret3")[6:], 200, 200, 200),
        ("Bearer abc", 401, 401, 401),
        ("Basic !!!", 401, 401, 401),
        ("Basic", 401, 401, 401),
        ("", 401, 401, 401),
    ],
)
async def test_who_may_what(header: str | None, anyone: int, either: int, write: int) -> None:
    found = [await status(gate(FakeClock()), header, need) for need in (ANYONE, EITHER, WRITE)]
    assert found == [anyone, either, write]


async def test_all_may_need_a_user() -> None:
    made = gate(FakeClock(), all_need=True)
    assert await status(made, None, ANYONE) == 401
    assert await status(made, basic("ann:secret1"), ANYONE) == 200
    assert await status(made, basic("ann:secret1"), EITHER) == 403


async def test_a_refusal_asks_for_a_password() -> None:
    with pytest.raises(RapiError) as refused:
        await gate(FakeClock()).admit(None, HERE, WRITE)
    assert refused.value.status is HTTPStatus.UNAUTHORIZED
    assert refused.value.headers == {"WWW-Authenticate": 'Basic realm="Ganeti Remote API"'}


async def test_guessing_becomes_slower_and_is_logged_without_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    made = gate(clock)
    with caplog.at_level(logging.INFO):
        for _ in range(8):
            assert await status(made, basic("carl:guess77"), WRITE) == 401
    assert clock.slept[:3] == [0.25, 0.5, 1.0]
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == LONGEST_DELAY_S
    assert "'carl' from 192.0.2.1" in caplog.text
    assert "guess77" not in caplog.text
    # Others, and the right password, do not wait.
    clock.slept.clear()
    assert await status(made, basic("carl:secret3"), WRITE) == 200
    assert clock.slept == []
    assert await status(made, basic("carl:x"), WRITE, "192.0.2.2") == 401
    assert clock.slept == [0.25]
    # After a while all is forgotten.
    clock.slept.clear()
    clock.time += FORGET_S
    assert await status(made, basic("carl:x"), WRITE) == 401
    assert clock.slept == [0.25]


async def test_no_more_guesses_side_by_side_than_a_few() -> None:
    clock = FakeClock()
    clock.gate.clear()
    made = gate(clock)
    found: list[int] = []

    async def guess() -> None:
        found.append(await status(made, basic("carl:x"), WRITE))

    async with asyncio.TaskGroup() as group:
        for _ in range(MOST_HELD + 5):
            group.create_task(guess())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert found == [429] * 5
        # From elsewhere one gets in meanwhile.
        assert await status(made, basic("carl:secret3"), WRITE, "192.0.2.2") == 200
        clock.gate.set()
    assert found == [429] * 5 + [401] * MOST_HELD
    assert await status(made, basic("carl:secret3"), WRITE) == 200


async def test_addresses_take_bounded_memory() -> None:
    clock = FakeClock()
    made = gate(clock)
    for number in range(5000):
        assert await status(made, basic("carl:x"), WRITE, f"a{number}") == 401
    assert len(made._records) <= 4096
