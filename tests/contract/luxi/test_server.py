"""The master's LUXI server over a real unix socket, with well and ill behaved clients."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import LuxiError, OpPrereqError
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.client import LuxiClient
from pyganeti.wire.luxi.server import EOM, LuxiServer

SMALL = 4096


class Master:
    """What the server calls."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0

    # Any: arguments and results are JSON.
    async def __call__(self, method: str, args: list[Any]) -> Any:
        """Echo, refuse, break or wait, as the method says."""
        self.called.append(method)
        if method == "refuse":
            raise OpPrereqError("no such node", "unknown_entity")
        if method == "break":
            raise ZeroDivisionError("a bug")
        if method == "unspeakable":
            return object()
        if method == "wait":
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return args


@asynccontextmanager
async def serving(path: Path, master: Master, **options: int) -> AsyncIterator[LuxiServer]:
    server = LuxiServer(master, str(path), **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> tuple[bool, Any]:
        """One answer."""
        async with asyncio.timeout(10):
            answer = json.loads((await self.reader.readuntil(EOM))[:-1])
        assert answer.keys() == {"success", "result", "version"}
        assert answer["version"] == LUXI_VERSION
        return answer["success"], answer["result"]

    async def ask(self, data: bytes) -> tuple[bool, Any]:
        """Send ``data`` and an end, read the answer."""
        self.writer.write(data + EOM)
        return await self.read()

    async def is_closed(self) -> bool:
        """Whether the server ends the connection now, without another word."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read(1) == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def client(path: Path) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def request(method: str, *args: object, **more: object) -> bytes:
    return json.dumps({"method": method, "args": args, **more}).encode()


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
        success, result = await one.ask(request(method))
        assert not success
        assert result[0] == "GenericError"
        assert "internal error" in result[1][0]
        assert await one.ask(request("echo")) == (True, [])
    assert "request failed" in caplog.text


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


async def test_a_request_without_end_closes_its_connection_only(tmp_path: Path) -> None:
    path, master = tmp_path / "socket", Master()
    async with serving(path, master, max_request=SMALL):
        async with client(path) as large, client(path) as other:
            large.writer.write(b"x" * (2 * SMALL))
            assert await large.read() == (False, ["LuxiError", ["the request is too large"]])
            assert await large.is_closed()
            assert await other.ask(request("echo", "y" * (SMALL // 2))) == (
                True,
                ["y" * (SMALL // 2)],
            )
        assert master.called == ["echo"]


async def test_an_answer_may_be_larger_than_a_request(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def large(method: str, args: list[Any]) -> Any:
        return "z" * 20_000_000

    server = LuxiServer(large, str(path), max_request=SMALL)
    await server.start()
    async with client(path) as one:
        success, result = await one.ask(request("any"))
        assert (success, len(result)) == (True, 20_000_000)
    await server.stop()


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


async def test_a_client_that_does_not_read_waits_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(path, Master()), client(path) as lazy, client(path) as one:
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]  # is a ReadTransport
        lazy.writer.write((request("echo", "x" * 100_000) + EOM) * 50)
        await asyncio.sleep(0.02)
        assert await one.ask(request("echo", 1)) == (True, [1])
        lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(50):
            assert (await lazy.read())[0]


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
        async with asyncio.timeout(10):
            while len(master.called) < 200:  # noqa: ASYNC110  # the server has no event for it
                await asyncio.sleep(0.01)
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
