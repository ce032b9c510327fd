"""The pool of connections: many calls at once, masters that come and go, answers that do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyganeti.model.errors import LuxiError, NoMasterError, OpPrereqError
from pyganeti.wire.luxi.client import LuxiClosed, LuxiTimeout
from pyganeti.wire.luxi.pool import LuxiPool

from .harness import Master, serving, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@asynccontextmanager
async def pool_of(path: Path, most: int = 5, **options: float) -> AsyncIterator[LuxiPool]:
    """A pool; at the end its connections are closed."""
    pool = LuxiPool(str(path), most, **options)
    try:
        yield pool
    finally:
        pool.close()
        # A transport that is aborted ends in the loop's next rounds.
        await asyncio.sleep(0.01)


async def test_calls_at_once_and_one_after_another(path: Path) -> None:
    master = Master()
    async with serving(path, master) as server, pool_of(path, 50) as pool:
        answers = await asyncio.gather(*(pool.call("echo", [number]) for number in range(200)))
        assert answers == [[number] for number in range(200)]
        for number in range(20):
            assert await pool.call("echo", [number, "ü"]) == [number, "ü"]
        kept = len(server._connections)
        assert 1 <= kept <= 16
        pool.close()
        await until(lambda: not server._connections, "the connections to end")


async def test_no_more_calls_at_once_than_allowed(path: Path) -> None:
    master = Master()
    master.gate.clear()
    async with serving(path, master), pool_of(path, 3) as pool:
        async with asyncio.TaskGroup() as group:
            for number in range(7):
                group.create_task(pool.call("wait", [number]))
            await until(lambda: len(master.called) == 3, "three calls")
            await asyncio.sleep(0.05)
            assert len(master.called) == 3
            master.gate.set()
        assert len(master.called) == 7


async def test_an_error_of_the_master_is_raised_and_the_connection_kept(path: Path) -> None:
    async with serving(path, Master()) as server, pool_of(path) as pool:
        for _ in range(3):
            with pytest.raises(OpPrereqError, match="no such node") as refused:
                await pool.call("refuse", [])
            assert refused.value.args == ("no such node", "unknown_entity")
        assert len(server._connections) == 1


async def test_a_master_that_is_away_and_comes_back(path: Path) -> None:
    async with pool_of(path) as pool:
        with pytest.raises(NoMasterError):
            await pool.call("echo", [])
        for round_ in range(3):
            async with serving(path, Master()):
                assert await pool.call("echo", [round_]) == [round_]
            # The connection of this round is no good in the next, and nobody notices.
            await until(lambda: not pool._idle[0].is_open, "the end to be noticed")
        with pytest.raises(NoMasterError):
            await pool.call("echo", [])


async def test_a_connection_that_breaks_in_the_middle_is_not_a_no(path: Path) -> None:
    master = Master()
    master.gate.clear()
    async with serving(path, master) as server, pool_of(path) as pool:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(_failure(pool, "wait"))
            await until(lambda: bool(master.called), "the call")
            for connection in list(server._connections.values()):
                connection.abort()
        assert isinstance(waiting.result(), LuxiClosed)
        master.gate.set()
        assert await pool.call("echo", [1]) == [1]


async def _failure(pool: LuxiPool, method: str) -> Exception | None:
    try:
        await pool.call(method, [])
    except LuxiError as err:
        return err
    return None


async def test_an_answer_that_does_not_come(path: Path) -> None:
    master = Master()
    master.gate.clear()
    questions = serving(path, master, is_question=lambda _: True)
    async with questions, pool_of(path, rw_timeout_s=0.1) as pool:
        with pytest.raises(LuxiTimeout, match=r"no answer to wait within 0\.1 s"):
            await pool.call("wait", [])
        # The late answer is not taken for that of the next call.
        master.gate.set()
        assert await pool.call("echo", ["mine"]) == ["mine"]


async def test_a_call_that_is_given_up_ends_the_question(path: Path) -> None:
    master = Master()
    master.gate.clear()
    async with serving(path, master, is_question=lambda _: True), pool_of(path) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await pool.call("wait", [])
        await until(lambda: master.cancelled == 1, "the question to end")
        assert await pool.call("echo", [1]) == [1]


async def test_large_answers(path: Path) -> None:
    async with serving(path, Master()), pool_of(path) as pool:
        assert await pool.call("large", [20_000_000]) == "z" * 20_000_000


@pytest.mark.parametrize("answer", [b"x\x03", b"[]\x03", b"{}\x03", b'{"success":1}\x03'])
async def test_what_is_no_answer(path: Path, answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x03")
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(speak, path=str(path))
    async with server, pool_of(path) as pool:
        with pytest.raises(LuxiError):
            await pool.call("echo", [])
