"""Many clients at once, and clients that leave: each gets what is its own."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pyganeti.wire.luxi.limits import Limits
from pyganeti.wire.luxi.message import EOM

from .connections import connected
from .harness import Client, Master, client, request, serving, until


async def test_who_finds_no_place_waits_for_one(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()

    async def one_client(number: int) -> None:
        async with client(path) as one:
            assert await one.ask(request("wait", number)) == (True, [number])

    async with serving(path, master, limits=Limits(clients=5)), asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(one_client(number))
        await until(lambda: len(master.called) == 5, "the first ones")
        await asyncio.sleep(0.02)
        assert len(master.called) == 5
        master.gate.set()
    assert len(master.called) == 50


async def test_who_asks_nothing_leaves_its_place_to_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, limits = tmp_path / "socket", Limits(clients=3, idle_s=0.05, round_s=0.01)
    async with serving(path, Master(), limits=limits), AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(client(path)) for _ in range(2)]
        busy = await stack.enter_async_context(client(path))
        assert (await busy.ask(request("echo")))[0]
        other = await stack.enter_async_context(client(path))
        assert (await other.ask(request("echo")))[0]
        assert await idle[0].is_closed()
        assert (await busy.ask(request("echo")))[0]
    assert f"(process {os.getpid()}, user {os.getuid()}): idle" in caplog.text


async def test_five_hundred_clients_of_all_kinds(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()

    async def good(one: Client, number: int) -> None:
        assert await one.ask(request("echo", number)) == (True, [number])

    async with serving(path, master), AsyncExitStack() as stack:
        odd = [connected(path) for _ in range(300)]
        for number, sock in enumerate(odd):
            kind = number % 5
            if kind == 1:
                sock.send(b"half a requ")
            elif kind == 2:
                sock.send(request("large", 400_000) + EOM)
            elif kind == 3:
                sock.send(request("echo") + EOM)
                sock.close()
            elif kind == 4:
                sock.send(b"\xff\x00 nothing good" + EOM)
        clients = [await stack.enter_async_context(client(path)) for _ in range(200)]
        async with asyncio.TaskGroup() as group:
            for number, one in enumerate(clients):
                group.create_task(good(one, number))
        for sock in odd:
            sock.close()


async def test_out_of_files_clients_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master(), limits=Limits(round_s=0.01)), client(path) as one:
        assert (await one.ask(request("echo")))[0]
        waiting = connected(path)
        files = []
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            highest = max(int(name) for name in os.listdir("/proc/self/fd"))
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 3, hard))
            while True:
                try:
                    files.append(os.open("/dev/null", os.O_RDONLY))
                except OSError:
                    break
            assert (await one.ask(request("echo")))[0]
            await until(lambda: "cannot accept a client" in caplog.text, "the log to say so")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for number in files:
                os.close(number)
        waiting.send(request("echo", "late") + EOM)
        await until(lambda: _received(waiting), "an answer")
        waiting.close()


def _received(sock: socket.socket) -> bool:
    try:
        return b"late" in sock.recv(4096)
    except BlockingIOError:
        return False


async def test_a_question_ends_when_its_client_leaves(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    is_question = "question wait".__eq__
    async with serving(path, master, is_question=is_question):
        for method in ("question wait", "wait"):
            async with client(path) as one:
                one.writer.write(request(method) + EOM)
                await until(lambda: master.called[-1:] == [method], "it to come")  # noqa: B023
        await until(lambda: master.cancelled == 1, "the question to end")
        await asyncio.sleep(0.02)
        assert master.cancelled == 1
        master.gate.set()
    assert master.cancelled == 1


async def test_who_has_no_more_questions_still_gets_the_answer(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    async with serving(path, master, is_question=lambda _: True), client(path) as one:
        one.writer.write(request("wait", 5) + EOM)
        one.writer.write_eof()
        await asyncio.sleep(0.02)
        master.gate.set()
        assert await one.read() == (True, [5])
        assert await one.is_closed()
