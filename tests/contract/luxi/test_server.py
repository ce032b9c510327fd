"""The master's LUXI server over a real unix socket, with well and ill behaved clients."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import LuxiError, OpPrereqError
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.client import LuxiClient
from pyganeti.wire.luxi.limits import Limits
from pyganeti.wire.luxi.message import EOM
from pyganeti.wire.luxi.server import LuxiServer

from .harness import SMALL, Master, client, request, serving, until


async def test_requests_are_answered(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master), client(path) as one:
        assert await one.ask(request("echo", 1, "ü\x03", None)) == (True, [1, "ü\x03", None])
        assert await one.ask(request("echo", version=LUXI_VERSION)) == (True, [])
        assert await one.ask(b'{"method": "echo", "other": 1}') == (True, [])


async def test_the_client_of_the_commands_understands(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()):
        commands = LuxiClient(str(path))
        assert await in_thread(commands.call, "echo", [{"a": [1.5, "ü"]}]) == [{"a": [1.5, "ü"]}]
        with pytest.raises(OpPrereqError, match="no such node") as refused:
            await in_thread(commands.call, "refuse", [])
        assert refused.value.code == "unknown_entity"
        commands.close()


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_a_request_may_come_in_pieces(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "socket", request("echo", "x" * 300) + EOM
    async with serving(path, Master()), client(path) as one:
        for start in range(0, len(data), size):
            one.writer.write(data[start : start + size])
            await asyncio.sleep(0)
        assert await one.read() == (True, ["x" * 300])


async def test_many_requests_at_once_are_answered_in_order(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()), client(path) as one:
        one.writer.write(b"".join(request("echo", number) + EOM for number in range(2000)))
        assert [await one.read() for _ in range(2000)] == [(True, [n]) for n in range(2000)]


async def test_a_refusal_travels_and_the_connection_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()), client(path) as one:
        assert await one.ask(request("refuse")) == (
            False,
            ["OpPrereqError", ["no such node", "unknown_entity"]],
        )
        assert await one.ask(request("echo")) == (True, [])


@pytest.mark.parametrize("method", ["break", "unspeakable"])
async def test_a_bug_in_one_request_harms_nobody(
    tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()), client(path) as one:
        success, result = await one.ask(request(method, "hunter2"))
        assert not success
        assert result[0] == "GenericError"
        assert "internal error" in result[1][0]
        assert await one.ask(request("echo")) == (True, [])
    assert "request failed with" in caplog.text
    # Its text may hold what the client sent.
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no JSON",
        b'{"method": "echo", "args": [1}',
        b'{"method": "echo"} {}',
        b"[]",
        b"{}",
        b'{"method": 7, "args": []}',
        b'{"method": "echo", "args": {}}',
        b'{"method": "echo", "args": ["\xff\xfe"]}',
        b'{"method": "\xed\xa0\x80", "args": []}',
        b'{"method": "echo", "args": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"method": "echo", "args": ' + b'[{"a":' * 10_000,
        b'{"method": "echo", "args": [], "version": "two"}',
    ],
)
async def test_a_malformed_request_is_told_and_the_connection_goes_on(
    tmp_path: Path, data: bytes
) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master), client(path) as one:
        success, result = await one.ask(data)
        assert not success
        assert result[0] == "LuxiError"
        assert result[1][0].startswith("malformed request: ")
        assert master.called == []
        assert await one.ask(request("echo")) == (True, [])


async def test_another_version_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master), client(path) as one:
        success, result = await one.ask(request("echo", version=LUXI_VERSION + 1))
        assert (success, result[0], master.called) == (False, "LuxiError", [])
        assert str(LUXI_VERSION + 1) in result[1][0]


async def test_an_answer_may_be_larger_than_a_request(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master(), limits=Limits(request=SMALL)), client(path) as one:
        success, result = await one.ask(request("large", 20_000_000))
        assert (success, len(result)) == (True, 20_000_000)


async def test_clients_that_vanish_disturb_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    async with serving(path, master):
        for data in (b"", b"half a requ", request("wait") + EOM, request("wait") + EOM + b"{"):
            async with client(path) as gone:
                gone.writer.write(data)
                await gone.writer.drain()
                await asyncio.sleep(0.02)
        aborting = await asyncio.open_unix_connection(str(path))
        aborting[1].write(request("echo", "x" * 1_000_000) + EOM)
        aborting[1].transport.abort()
        master.gate.set()
        await asyncio.sleep(0.02)
        async with client(path) as one:
            assert await one.ask(request("echo", 1)) == (True, [1])
    assert master.called.count("wait") == 2
    assert caplog.text == ""


async def test_many_clients_are_served_at_once(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()

    async def one_client(number: int) -> None:
        async with client(path) as one:
            assert await one.ask(request("wait", number)) == (True, [number])
            assert await one.ask(request("echo", number)) == (True, [number])

    async with serving(path, master), asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(one_client(number))
        await until(lambda: len(master.called) == 200, "all of them")
        master.gate.set()


@pytest.mark.parametrize("mode", [0o600, 0o660])
async def test_the_socket_has_the_mode_asked_for(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master(), mode=mode):
        assert os.stat(path).st_mode & 0o7777 == mode


async def test_a_socket_left_by_another_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(path, Master()), client(path) as one:
        assert await one.ask(request("echo")) == (True, [])


@pytest.mark.parametrize("path", ["missing/socket", "x" * 200, "."])
async def test_a_socket_that_cannot_be_made_is_one_error(tmp_path: Path, path: str) -> None:
    server = LuxiServer(Master(), str(tmp_path / path))
    with pytest.raises(LuxiError, match="cannot listen on"):
        await server.start()
    await server.stop()


async def test_stop_ends_everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, master = tmp_path / "socket", Master()
    master.gate.clear()
    server = LuxiServer(master, str(path))
    await server.start()
    async with client(path) as idle, client(path) as waiting:
        assert (await idle.ask(request("echo")))[0]
        waiting.writer.write(request("wait") + EOM)
        await asyncio.sleep(0.02)
        await server.stop()
        assert await idle.is_closed()
        assert await waiting.is_closed()
    assert master.cancelled == 1
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        await asyncio.open_unix_connection(str(path))
    await server.stop()
    await server.start()
    async with client(path) as one:
        assert (await one.ask(request("echo")))[0]
    await server.stop()
    assert caplog.text == ""
