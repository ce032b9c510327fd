"""The server on a socket, what it calls, and raw clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyganeti.model.errors import OpPrereqError
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.message import EOM
from pyganeti.wire.luxi.server import Handler, LuxiServer

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
            raise ZeroDivisionError(str(args))
        if method == "unspeakable":
            return object()
        if method == "large":
            return "z" * args[0]
        if method.endswith("wait"):
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return args


@asynccontextmanager
async def serving(path: Path, master: Handler, **options: Any) -> AsyncIterator[LuxiServer]:
    """A server. Any: passed on."""
    server = LuxiServer(master, str(path), **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what nobody announces."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"waited in vain for {what}")


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
    """A client of the socket at ``path``."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def request(method: str, *args: object, **more: object) -> bytes:
    """A request, without its end."""
    return json.dumps({"method": method, "args": args, **more}).encode()
