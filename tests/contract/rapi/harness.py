"""The REST server with TLS on loopback, a LUXI server behind it, and raw clients."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pyganeti.daemons.rapi.body import BodyReader
from pyganeti.daemons.rapi.files import Certificate, LoadedCertificate, UsersFile
from pyganeti.daemons.rapi.master import LuxiMaster
from pyganeti.daemons.rapi.server import HttpServer
from pyganeti.daemons.rapi.service import Service
from pyganeti.kit.clock import SystemClock
from pyganeti.master.events import Events
from pyganeti.master.new_keys import self_signed
from pyganeti.model.errors import GenericError, OpPrereqError
from pyganeti.rapi.gate import Gate
from pyganeti.wire.luxi.server import LuxiServer

USERS = "reader pw1 read\nwriter pw2 write\n"
WRITER = "Authorization: Basic " + base64.b64encode(b"writer:pw2").decode()
READER = "Authorization: Basic " + base64.b64encode(b"reader:pw1").decode()
WRONG = "Authorization: Basic " + base64.b64encode(b"writer:guess").decode()


class Master:
    """The master daemon's end of LUXI. Any: JSON."""

    def __init__(self) -> None:
        self.called: list[tuple[str, list[Any]]] = []
        self.answers: dict[str, Any] = {
            "SubmitJob": 17,
            "QueryTags": ["a"],
            "QueryClusterInfo": {"name": "c", "volume_group_name": "vg"},
        }
        self.gate = asyncio.Event()
        self.events: Events | None = None
        self.cancelled = 0

    async def __call__(self, method: str, args: list[Any]) -> Any:
        """Answer; ``WaitForJobChange`` waits for the gate."""
        self.called.append((method, args))
        try:
            if method == "WaitForJobChange":
                await self.gate.wait()
                return [["success"], []]
            if method == "WaitForEvents" and self.events is not None:
                return await self.events.after(*args)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answer = self.answers.get(method, OpPrereqError(f"no answer for {method}"))
        if callable(answer):
            answer = answer(*args)
        if isinstance(answer, GenericError):
            raise answer
        return answer


class Answer(NamedTuple):
    """Status, headers in lower case, and the body as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body. Any: JSON."""
        return json.loads(self.body)


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def read(self) -> Answer:
        """One answer."""
        async with asyncio.timeout(20):
            head = await self.head()
            first, *lines = head.splitlines()[:-1]
            pairs = (line.partition(": ") for line in lines)
            headers = {name.lower(): value for name, _, value in pairs}
            if "chunked" in headers.get("transfer-encoding", ""):
                body = b"".join([piece async for piece in self.pieces()])
            else:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first.split()[1]), headers, body)

    async def head(self) -> str:
        """The head of an answer, whose body is read elsewhere."""
        async with asyncio.timeout(20):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The pieces of a body that comes so, to its end."""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def ask(self, verb: str, path: str, *headers: str, body: bytes | None = None) -> Answer:
        """Send a request and read its answer."""
        lines = [f"{verb} {path} HTTP/1.1", "Host: x", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return await self.read()

    async def is_closed(self) -> bool:
        """Whether the server ends the connection, without another word."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read(1) == b""
            except (ConnectionResetError, ssl.SSLError):
                return True


class Bed:
    """A server and what is around it."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "luxi"
        self.pem = directory / "rapi.pem"
        self.users_path = directory / "users"
        self.master = Master()
        self.port = 0
        self.luxi: LuxiServer | None = None
        self.pem.write_bytes(self_signed("cluster.example.com"))
        self.users_path.write_text(USERS)
        self.users = UsersFile(str(self.users_path))
        self.certificate = LoadedCertificate(Certificate(str(self.pem), str(self.pem)))

    async def start_master(self) -> None:
        """Listen for LUXI."""
        self.luxi = LuxiServer(
            self.master, str(self.socket), is_question=lambda name: name != "SubmitJob"
        )
        await self.luxi.start()

    async def stop_master(self) -> None:
        """Listen no more."""
        if self.luxi is not None:
            await self.luxi.stop()
            self.luxi = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client that trusts anybody."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0.01)

    async def ask(self, verb: str, path: str, *headers: str, body: bytes | None = None) -> Answer:
        """A request on a connection of its own."""
        async with self.client() as one:
            return await one.ask(verb, path, *headers, body=body)


@asynccontextmanager
async def bed(
    directory: Path,
    *,
    most: int = 100,
    head_s: float = 30.0,
    body_s: float = 30.0,
    most_body: int = 1 << 20,
    all_need: bool = False,
) -> AsyncIterator[Bed]:
    """A server that listens."""
    made = Bed(directory)
    made.users.read()
    clock = SystemClock()
    master = LuxiMaster(str(made.socket), clock, questions=20, waits=20)
    gate = Gate(lambda: made.users.users, clock, all_need=all_need)
    service = Service(master, gate, clock, BodyReader(most_body, body_s))
    server = HttpServer(service.answer, made.certificate.context, most, head_s=head_s)
    await made.start_master()
    made.port = await server.start("127.0.0.1", 0)
    try:
        yield made
    finally:
        master.end_events()
        await server.stop()
        master.close()
        await made.stop_master()
        await asyncio.sleep(0.02)
