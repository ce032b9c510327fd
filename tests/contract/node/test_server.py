"""The node server by bytes: what a caller that is not our client may send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.wire.noderpc import codec
from pyganeti.wire.noderpc.call import CallContext
from pyganeti.wire.noderpc.node import VersionCall
from pyganeti.wire.noderpc.server import NodeServer

NODE = "node1.example.com"
BODY = codec.encode_request(CallContext(epoch=1), VersionCall())
REQUEST = b"POST /v1/version HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Slow:
    """Answers when it is let; counts."""

    def __init__(self) -> None:
        self.begun = 0
        self.first = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def dispatch(
        self, procedure: str, request: codec.Request, peer: tls.Peer
    ) -> codec.Answer:
        self.begun += 1
        self.first.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return codec.success(procedure)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tls")
    now = SystemClock().now()
    authority = tls.make_ca("ours", now)
    (place / "ca.pem").write_bytes(authority.certificate)
    pem = tls.issue_node_certificate(authority, NODE, "uuid", now)
    (place / "node.pem").write_bytes(pem)
    return place


Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def talking(server: NodeServer, certificates: Path) -> AsyncIterator[Talk]:
    pem, ca = str(certificates / "node.pem"), str(certificates / "ca.pem")
    await server.start("127.0.0.1", 0, tls.server_context(pem, ca))
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=tls.client_context(pem, ca), server_hostname=NODE
        )
        yield reader, writer
        writer.close()
    finally:
        await server.stop(0.1)


async def answer(reader: asyncio.StreamReader) -> tuple[int, codec.Answer]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head.split()[1]), codec.decode_answer(await reader.readexactly(length))


async def test_requests_sent_at_once_are_answered_in_turn(certificates: Path) -> None:
    async with talking(NodeServer(Slow()), certificates) as (reader, writer):
        writer.write(REQUEST * 3)
        assert [(await answer(reader))[0] for _ in range(3)] == [200, 200, 200]


async def test_a_request_in_crumbs_is_one(certificates: Path) -> None:
    async with talking(NodeServer(Slow()), certificates) as (reader, writer):
        for byte in REQUEST:
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await answer(reader))[1].ok


async def test_more_than_is_read_ahead_is_not_lost(certificates: Path) -> None:
    slow = Slow()
    slow.go.clear()
    many = 400
    async with talking(NodeServer(slow), certificates) as (reader, writer):
        writer.write(REQUEST * many)
        await slow.first.wait()
        slow.go.set()
        for _ in range(many):
            assert (await answer(reader))[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v1/version HTTP/1.1\r\n\r\n", 404),
        (b"POST /version HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
        (b"POST /v1/version HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"x" * 20000, 400),
        (b"POST /v1/version HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
    ],
    ids=["method", "path", "body", "no request", "no end", "too long"],
)
async def test_what_is_no_call_is_told_so(certificates: Path, request_: bytes, status: int) -> None:
    slow = Slow()
    async with talking(NodeServer(slow), certificates) as (reader, writer):
        writer.write(request_)
        found, said = await answer(reader)
    assert (found, said.ok, slow.begun) == (status, False, 0)


async def test_after_nonsense_the_connection_ends(certificates: Path) -> None:
    async with talking(NodeServer(Slow()), certificates) as (reader, writer):
        writer.write(b"nonsense\r\n\r\n" + REQUEST)
        assert (await answer(reader))[0] == 400
        assert await reader.read() == b""


async def test_a_caller_who_wants_no_more_is_let_go(certificates: Path) -> None:
    closing = REQUEST.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    async with talking(NodeServer(Slow()), certificates) as (reader, writer):
        writer.write(closing)
        assert (await answer(reader))[0] == 200
        assert await reader.read() == b""


async def test_a_bug_is_answered_and_ends_nothing(certificates: Path) -> None:
    slow = Slow()
    slow.error = ZeroDivisionError()
    async with talking(NodeServer(slow), certificates) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST)
            assert (await answer(reader))[0] == 500


async def test_stopping_lets_the_call_under_way_answer(certificates: Path) -> None:
    slow = Slow()
    slow.go.clear()
    server = NodeServer(slow)
    async with talking(server, certificates) as (reader, writer):
        writer.write(REQUEST)
        await slow.first.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.stop(5))
            await asyncio.sleep(0)
            slow.go.set()
            assert (await answer(reader))[0] == 200
        assert await reader.read() == b""


async def test_stopping_does_not_wait_for_those_who_say_nothing(certificates: Path) -> None:
    server = NodeServer(Slow())
    async with talking(server, certificates) as (reader, _writer):
        async with asyncio.timeout(5):
            await server.stop(60)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_renewed_certificates_are_shown_to_new_callers_and_end_old_connections(
    certificates: Path, tmp_path: Path
) -> None:
    now = SystemClock().now()
    other = tls.make_ca("theirs", now)
    (tmp_path / "ca.pem").write_bytes(other.certificate)
    (tmp_path / "node.pem").write_bytes(tls.issue_node_certificate(other, NODE, "uuid", now))
    new = str(tmp_path / "node.pem"), str(tmp_path / "ca.pem")
    old = str(certificates / "node.pem"), str(certificates / "ca.pem")
    slow = Slow()
    server = NodeServer(slow)
    async with talking(server, certificates) as (reader, writer):
        idle, idle_writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=tls.client_context(*old), server_hostname=NODE
        )
        slow.go.clear()
        writer.write(REQUEST)
        await slow.first.wait()
        port = server.port
        await server.renew(tls.server_context(*new))
        assert server.port == port
        # Nobody waits at the other one any more.
        assert await idle.read() == b""
        idle_writer.close()
        with pytest.raises(OSError, match=r"(?i)certificate"):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=tls.client_context(*old), server_hostname=NODE
            )
        newer, newer_writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls.client_context(*new), server_hostname=NODE
        )
        slow.go.set()
        # What was begun is answered, and nothing after it.
        writer.write(REQUEST)
        assert (await answer(reader))[0] == 200
        assert await reader.read() == b""
        newer_writer.write(REQUEST)
        assert (await answer(newer))[0] == 200
        newer_writer.close()
    assert slow.begun == 2
