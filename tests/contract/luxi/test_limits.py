"""Clients that are slow, greedy, silent or many: what they take is bounded, and harms nobody."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import pytest

from pyganeti.wire.luxi.limits import SMALL as FREE
from pyganeti.wire.luxi.limits import Limits, Room
from pyganeti.wire.luxi.message import EOM

from .connections import KIB, SLACK, connected, drained, push
from .harness import SMALL, Master, client, request, serving, until

# --- requests


@pytest.mark.parametrize("end", [b"", EOM])
async def test_a_request_that_is_too_long_is_told_and_forgotten(tmp_path: Path, end: bytes) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master, limits=Limits(request=SMALL)), client(path) as one:
        told = (False, ["LuxiError", ["malformed request: longer than 4096 bytes"]])
        one.writer.write(b"x" * (2 * SMALL) + end)
        assert await one.read() == told
        if not end:
            one.writer.write(b"y" * 1_000_000 + EOM)
        assert await one.ask(request("echo", "z" * 3000)) == (True, ["z" * 3000])
        assert master.called == ["echo"]


async def test_a_request_of_the_longest_length_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    empty = len(request("echo", ""))
    async with serving(path, Master(), limits=Limits(request=300_000)), client(path) as one:
        assert (await one.ask(request("echo", "x" * (300_000 - empty))))[0]
        assert not (await one.ask(request("echo", "x" * (300_001 - empty))))[0]
        assert (await one.ask(request("echo")))[0]


async def test_what_never_ends_is_not_read_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    limits = Limits(request=SMALL, discarded=1_000_000)
    async with serving(path, Master(), limits=limits), client(path) as one:
        endless = connected(path)
        with pytest.raises(BrokenPipeError):
            await push(endless, b"x" * 100_000, 100_000_000)
        endless.close()
        assert (await one.ask(request("echo")))[0]


@pytest.mark.parametrize("size", [10, 100_000, 300_000])
async def test_a_request_has_to_be_whole_after_a_time(tmp_path: Path, size: int) -> None:
    path, limits = tmp_path / "socket", Limits(request=200_000, request_s=0.05, round_s=0.01)
    async with serving(path, Master(), limits=limits), client(path) as slow, client(path) as one:
        slow.writer.write(b"x" * size)
        if size > limits.request:
            assert "longer" in (await slow.read())[1][1][0]
        assert await slow.read() == (
            False,
            ["LuxiError", ["the request was not whole after 0.05 s"]],
        )
        assert await slow.is_closed()
        assert (await one.ask(request("echo")))[0]


async def test_who_waits_for_an_answer_or_asks_nothing_is_not_hurried(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    limits = Limits(request_s=0.02, slow_s=0.02, silent_s=0.02, stuck_s=0.02, round_s=0.01)
    master.gate.clear()
    async with serving(path, master, limits=limits), client(path) as idle, client(path) as one:
        one.writer.write(request("wait", 1) + EOM + request("echo", 2)[:-1])
        await asyncio.sleep(0.2)
        master.gate.set()
        assert await one.read() == (True, [1])
        one.writer.write(b"}" + EOM)
        assert await one.read() == (True, [2])
        assert (await idle.ask(request("echo")))[0]


async def test_who_asks_without_reading_is_not_read_either(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()), client(path) as one:
        greedy = connected(path)
        data = (request("echo", "x" * 10_000) + EOM) * 10
        # Questions and answers fill the kernel's buffers and the server's, and that is it.
        assert await push(greedy, data, 100_000_000) < 2 * FREE + 2 * SLACK
        assert (await one.ask(request("echo", 1))) == (True, [1])
        greedy.close()


async def test_questions_of_a_busy_client_wait_in_the_kernel(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    async with serving(path, master), client(path) as one:
        busy = connected(path)
        busy.send(request("wait") + EOM)
        assert await push(busy, request("echo", "x" * 1000) + EOM, 100_000_000) < FREE + SLACK
        assert (await one.ask(request("echo")))[0]
        master.gate.set()
        await until(lambda: len(master.called) > 50, "the others to be answered")
        busy.close()


async def test_a_client_with_a_thousand_questions_lets_others_ask(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master), client(path) as many, client(path) as one:
        many.writer.write((request("many") + EOM) * 1000)
        await until(lambda: bool(master.called), "the first of them")
        assert (await one.ask(request("one")))[0]
        assert master.called.index("one") < 1000
        for _ in range(1000):
            assert (await many.read())[0]
        assert master.called.count("many") == 1000


# --- room for large requests


def large(number: int) -> bytes:
    return request("echo", number, "x" * 150_000)


async def test_large_requests_have_room_in_turn(tmp_path: Path) -> None:
    path, limits = tmp_path / "socket", Limits(request=200_000, large_requests=400_000)
    async with serving(path, Master(), limits=limits) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(path)) for _ in range(20)]
        for number, one in enumerate(clients):
            one.writer.write(large(number)[:-1])
        await until(lambda: server.room.is_wanted, "the room to be full")
        other = await stack.enter_async_context(client(path))
        assert (await other.ask(request("echo", "small")))[0]
        for number, one in enumerate(clients):
            one.writer.write(b"}" + EOM)
            assert (await one.read())[1][0] == number
        await until(lambda: not server.room.is_wanted, "the room to be free")
        assert server.room.free == 400_000


async def test_who_holds_room_and_does_not_go_on_leaves_it_to_others(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    limits = Limits(request=200_000, large_requests=200_000, slow_s=0.05, round_s=0.01)
    async with serving(path, Master(), limits=limits) as server, client(path) as one:
        async with client(path) as slow:
            slow.writer.write(large(0)[:-1])
            await until(lambda: server.room.free == 0, "it to have room")
            await asyncio.sleep(0.1)  # nobody minds
            assert (await one.ask(large(1)))[1][0] == 1
            assert "not whole" in (await slow.read())[1][1][0]
            assert await slow.is_closed()
        async with client(path) as gone:
            gone.writer.write(large(0)[:-1])
            await until(lambda: server.room.free == 0, "it to have room")
        assert (await one.ask(large(2)))[1][0] == 2


async def test_room_is_held_until_the_answer(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    limits = Limits(request=200_000, large_requests=250_000)
    asked = request("wait", "x" * 150_000)
    async with serving(path, master, limits=limits) as server, client(path) as one:
        one.writer.write(asked + EOM)
        await until(lambda: master.called == ["wait"], "it to come")
        assert server.room.free == 250_000 - len(asked)
        master.gate.set()
        assert (await one.read())[0]
        assert server.room.free == 250_000


async def test_room_goes_to_who_came_first_and_nobody_takes_it_along() -> None:
    room, had = Room(10), []

    async def take(size: int) -> None:
        await room.take(size)
        had.append(size)

    async with asyncio.TaskGroup() as group:
        await room.take(8)
        waiting = [group.create_task(take(size)) for size in (5, 3, 2)]
        await asyncio.sleep(0)
        assert (had, room.is_wanted) == ([], True)  # though 2 would fit
        waiting[0].cancel()
        await asyncio.sleep(0)
        room.give_back(3)
        waiting[1].cancel()  # who has it already, and leaves
        await asyncio.wait(waiting)
    assert had == [2]
    assert (room.free, room.is_wanted) == (3, False)


# --- answers


@contextmanager
def filled(path: Path, count: int, size: int) -> Iterator[list[socket.socket]]:
    """Clients that ask for much and read none of it."""
    with ExitStack() as stack:
        made = [stack.enter_context(connected(path)) for _ in range(count)]
        for one in made:
            one.send(request("large", size) + EOM)
        yield made


async def test_who_takes_no_answer_is_dropped_when_others_wait_for_room(tmp_path: Path) -> None:
    path, limits = tmp_path / "socket", Limits(unsent=5_000_000, stuck_s=1.0, round_s=0.01)
    async with serving(path, Master(), limits=limits) as server, client(path) as one:
        with filled(path, 10, 2_000_000):
            await until(lambda: len(server.writing) == 3, "no room to be left")
            assert (await one.ask(request("large", 3_000_000)))[0]
            assert sum(one.unsent for one in server.writing) < limits.unsent + 2_000_000
        await until(lambda: not server.writing, "them to be gone")


async def test_who_reads_slowly_is_served(tmp_path: Path) -> None:
    path, limits = tmp_path / "socket", Limits(unsent=1_000_000, stuck_s=2.0, round_s=0.01)
    async with serving(path, Master(), limits=limits), AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(path)) for _ in range(10)]
        for one in clients:
            one.writer.write(request("large", 900_000) + EOM)
        for one in clients:
            assert len((await one.read())[1]) == 900_000


async def test_an_answer_that_nobody_takes_is_given_up(tmp_path: Path) -> None:
    path, limits = tmp_path / "socket", Limits(silent_s=0.05, round_s=0.01)
    async with serving(path, Master(), limits=limits) as server, client(path) as one:
        with filled(path, 1, 2_000_000):
            await until(lambda: bool(server.writing), "the answer to be there")
            await until(lambda: not server.writing, "it to be given up")
            assert (await one.ask(request("echo")))[0]


async def test_who_asks_no_more_has_its_time_for_the_last_answer(tmp_path: Path) -> None:
    path, limits = tmp_path / "socket", Limits(silent_s=0.05, round_s=0.01)
    async with serving(path, Master(), limits=limits) as server:
        with socket.socket(socket.AF_UNIX) as sock:
            kept = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        # Little enough is left for the next question to be read, and there is none.
        with filled(path, 1, kept + 30 * KIB) as (lazy,):
            lazy.shutdown(socket.SHUT_WR)
            await until(lambda: bool(server.writing), "the answer to be there")
            await until(lambda: not server.writing, "it to be given up")
            taken = drained(lazy)
    assert taken < kept + 30 * KIB


async def test_a_server_that_stops_does_not_wait_for_who_takes_nothing(tmp_path: Path) -> None:
    path, size = tmp_path / "socket", 2_000_000
    with ExitStack() as stack:
        async with serving(path, Master()) as server:
            (lazy,) = stack.enter_context(filled(path, 1, size))
            await until(lambda: bool(server.writing), "the answer to be there")
        assert 0 < drained(lazy) < size
