"""Node calls over real TLS: who gets in, and what a caller may conclude from silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import (
    CallTimeout,
    HypervisorError,
    NodeCallError,
    NodeUnreachable,
    StaleEpoch,
)
from pyganeti.wire.noderpc import codec
from pyganeti.wire.noderpc.call import AnyCall, CallContext, NodeAddress, TaskId
from pyganeti.wire.noderpc.client import CONNECTING, HttpNodeClient
from pyganeti.wire.noderpc.files import UploadFileCall
from pyganeti.wire.noderpc.instance import InstanceOsAddCall
from pyganeti.wire.noderpc.node import (
    EtcHostsModifyCall,
    HooksRunnerCall,
    TestDelayCall,
    VersionCall,
)
from pyganeti.wire.noderpc.registry import CALLS
from pyganeti.wire.noderpc.server import NodeServer
from pyganeti.wire.noderpc.types import (
    TaskReport,
    TaskState,
    VersionInfo,
)

NODE = "node1.example.com"
VERSION = VersionInfo(protocol=1, release="x", vcs="y", epoch=3)
CTX = CallContext(epoch=3, job=1)


class Impatient(SystemClock):
    """Hours pass in seconds, so that a lost answer is found lost soon."""

    def monotonic(self) -> float:
        return super().monotonic() * 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


@dataclass
class Script:
    """Answers as it is told, and remembers who asked for what."""

    seen: list[tuple[AnyCall, CallContext, tls.Peer]] = field(default_factory=list)
    refusal: codec.Refused | None = None
    failure: HypervisorError | None = None
    states: list[TaskReport] = field(default_factory=list)

    async def dispatch(
        self, procedure: str, request: codec.Request, peer: tls.Peer
    ) -> codec.Answer:
        call = codec.Codec().call(CALLS[procedure], request.args)
        self.seen.append((call, request.ctx, peer))
        if self.refusal is not None:
            raise self.refusal
        if self.failure is not None:
            return codec.failure(self.failure)
        if procedure == "version":
            return codec.success(VERSION)
        if procedure == "task_wait":
            return codec.success(self.states.pop(0))
        return codec.started(request.ctx.task_id) if call.long else codec.success(None)


@dataclass
class Place:
    """Certificates of two clusters in a directory."""

    root: Path

    def make(self) -> None:
        now = SystemClock().now()
        for cluster in ("ours", "theirs"):
            authority = tls.make_ca(cluster, now)
            pem = tls.issue_node_certificate(authority, NODE, f"{cluster}-uuid", now)
            (self.root / f"{cluster}-ca.pem").write_bytes(authority.certificate)
            (self.root / f"{cluster}.pem").write_bytes(pem)

    def path(self, name: str) -> str:
        return str(self.root / name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("tls"))
    made.make()
    return made


@asynccontextmanager
async def serving(script: Script, place: Place) -> AsyncIterator[NodeAddress]:
    server = NodeServer(script)
    context = tls.server_context(place.path("ours.pem"), place.path("ours-ca.pem"))
    await server.start("127.0.0.1", 0, context)
    try:
        yield NodeAddress(NODE, "127.0.0.1", server.port)
    finally:
        await server.stop(0.1)


def client(place: Place, name: str = "ours", clock: SystemClock | None = None) -> HttpNodeClient:
    context = tls.client_context(place.path(f"{name}.pem"), place.path("ours-ca.pem"))
    return HttpNodeClient(context, clock or SystemClock())


async def test_a_call_is_answered_and_the_caller_is_known(place: Place) -> None:
    script = Script()
    async with serving(script, place) as node, client(place) as calls:
        assert await calls.call(node, VersionCall(), CTX) == VERSION
    call, ctx, peer = script.seen[0]
    digest = tls.certificate_digest(read_bytes(place.path("ours.pem")) or b"")
    assert call == VersionCall()
    assert ctx == CTX
    assert peer == tls.Peer(digest, NODE, "ours-uuid")


async def test_changes_get_numbers_and_keep_those_they_have(place: Place) -> None:
    script = Script()
    change = EtcHostsModifyCall(mode="remove", name="x")
    async with serving(script, place) as node, client(place) as calls:
        await calls.call(node, change, CTX)
        await calls.call(node, change, CTX)
        await calls.call(node, change, CallContext(epoch=3, call=77))
    assert [ctx.call for _call, ctx, _peer in script.seen] == [1, 2, 77]


async def test_the_error_a_node_names_is_raised(place: Place) -> None:
    script = Script(failure=HypervisorError("no such machine"))
    async with serving(script, place) as node, client(place) as calls:
        with pytest.raises(HypervisorError, match="no such machine"):
            await calls.call(node, VersionCall(), CTX)


@pytest.mark.parametrize("refusal", list(codec.Refusal))
async def test_refusals_are_raised_as_what_they_are(place: Place, refusal: codec.Refusal) -> None:
    error = StaleEpoch("over", 9) if refusal is codec.Refusal.STALE else NodeCallError("no")
    script = Script(refusal=codec.Refused(refusal, error))
    async with serving(script, place) as node, client(place) as calls:
        with pytest.raises(NodeCallError) as refused:
            await calls.call(node, VersionCall(), CTX)
    assert type(refused.value) is type(error)
    assert refused.value.args == error.args


async def test_connections_to_many_nodes_are_made_some_at_a_time(place: Place) -> None:
    waiting, highest, full, go = 0, 0, asyncio.Event(), asyncio.Event()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting, highest
        waiting += 1
        highest = max(highest, waiting)
        if waiting == CONNECTING:
            full.set()
        await go.wait()
        waiting -= 1
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=2 * CONNECTING)
    port = server.sockets[0].getsockname()[1]
    async with server, client(place) as calls, asyncio.TaskGroup() as group:
        made = [
            group.create_task(_refused(calls, NodeAddress(f"node{number}", "127.0.0.1", port)))
            for number in range(CONNECTING + 50)
        ]
        await full.wait()
        # Another one would have come by now.
        await asyncio.sleep(0.2)
        assert waiting == CONNECTING
        go.set()
    assert len(made) == CONNECTING + 50
    assert highest == CONNECTING


async def _refused(calls: HttpNodeClient, node: NodeAddress) -> None:
    with pytest.raises(NodeUnreachable):
        await calls.call(node, VersionCall(), CTX)


async def test_nobody_there_means_nothing_happened(place: Place) -> None:
    async with serving(Script(), place) as node:
        gone = node
    async with client(place) as calls:
        with pytest.raises(NodeUnreachable, match=NODE):
            await calls.call(gone, EtcHostsModifyCall(mode="remove", name="x"), CTX)


async def test_another_node_behind_the_address_is_not_talked_to(place: Place) -> None:
    script = Script()
    async with serving(script, place) as node, client(place) as calls:
        with pytest.raises(NodeUnreachable, match="node2"):
            await calls.call(
                NodeAddress("node2.example.com", node.ip, node.port), VersionCall(), CTX
            )
    assert script.seen == []


async def test_a_stranger_is_not_talked_to(place: Place) -> None:
    script = Script()
    async with serving(script, place) as node, client(place, "theirs") as calls:
        with pytest.raises(NodeUnreachable):
            await calls.call(node, EtcHostsModifyCall(mode="remove", name="x"), CTX)
    assert script.seen == []


async def test_a_big_body_travels(place: Place) -> None:
    script = Script()
    content = bytes(3 * 1024 * 1024)
    async with serving(script, place) as node, client(place) as calls:
        await calls.call(node, UploadFileCall(file_name="/x", content=content), CTX)
    sent = script.seen[0][0]
    assert isinstance(sent, UploadFileCall)
    assert sent.content == content


async def test_a_task_is_waited_for(place: Place) -> None:
    script = Script(states=[TaskReport(state=TaskState.RUNNING), TaskReport(state=TaskState.DONE)])
    async with serving(script, place) as node, client(place) as calls:
        await calls.call(node, TestDelayCall(duration=1), CTX)
    assert [call.procedure for call, _ctx, _peer in script.seen] == [
        "test_delay",
        "task_wait",
        "task_wait",
    ]


async def test_a_task_the_node_forgot_is_unknown_and_not_failed(place: Place) -> None:
    script = Script(states=[TaskReport(state=TaskState.LOST)])
    async with serving(script, place) as node, client(place) as calls:
        with pytest.raises(CallTimeout, match="whether it took effect is unknown"):
            await calls.wait(node, TaskId("1-1-1-1-1"), TestDelayCall, CTX)


@asynccontextmanager
async def breaking(
    place: Place, *, answers_after: int
) -> AsyncIterator[tuple[NodeAddress, list[int]]]:
    """A node that cuts connections after it got the request, ``answers_after`` times."""
    attempts: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        request = codec.decode_request(await reader.readexactly(length))
        attempts.append(request.ctx.attempt)
        if len(attempts) > answers_after:
            body = codec.encode_answer(codec.success(None))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        writer.close()

    context = tls.server_context(place.path("ours.pem"), place.path("ours-ca.pem"))
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield NodeAddress(NODE, "127.0.0.1", port), attempts


async def test_a_broken_connection_is_a_repeat_with_the_next_attempt(place: Place) -> None:
    change = EtcHostsModifyCall(mode="remove", name="x")
    async with breaking(place, answers_after=2) as (node, attempts), client(place) as calls:
        await calls.call(node, change, CTX)
    assert attempts == [1, 2, 3]


@pytest.mark.parametrize("kind", [HooksRunnerCall, InstanceOsAddCall])
def test_what_runs_scripts_is_not_repeatable(kind: type[AnyCall]) -> None:
    assert not kind.repeatable


async def test_scripts_are_not_run_again_when_their_answer_is_lost(place: Place) -> None:
    hooks = HooksRunnerCall(hpath="instance-add", phase="post", env={})
    async with breaking(place, answers_after=1) as (node, attempts), client(place) as calls:
        with pytest.raises(CallTimeout, match="unknown"):
            await calls.call(node, hooks, CTX)
    assert attempts == [1]


async def test_an_answer_that_never_comes_is_unknown(place: Place) -> None:
    change = EtcHostsModifyCall(mode="remove", name="x")
    async with (
        breaking(place, answers_after=10**9) as (node, _attempts),
        client(place, clock=Impatient()) as calls,
    ):
        with pytest.raises(CallTimeout, match="unknown"):
            await calls.call(node, change, CTX)


@asynccontextmanager
async def raw_node(place: Place, *answers: bytes) -> AsyncIterator[tuple[NodeAddress, list[int]]]:
    """A node that says ``answers`` in turn, whatever it is asked; counts its connections."""
    connections: list[int] = []
    left = list(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        while left and await reader.read(65536):
            writer.write(left.pop(0))
            await writer.drain()
        writer.close()

    context = tls.server_context(place.path("ours.pem"), place.path("ours-ca.pem"))
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield NodeAddress(NODE, "127.0.0.1", int(server.sockets[0].getsockname()[1])), connections


def http(body: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (headers, len(body), body)


GOOD = codec.encode_answer(codec.success(VERSION))


async def test_a_connection_is_kept_for_the_next_call(place: Place) -> None:
    async with raw_node(place, http(GOOD), http(GOOD)) as (node, made), client(place) as calls:
        await calls.call(node, VersionCall(), CTX)
        await calls.call(node, VersionCall(), CTX)
        assert len(made) == 1


async def test_a_connection_the_node_wants_closed_is_not_used_again(place: Place) -> None:
    closing = http(GOOD, b"Connection: close\r\n")
    async with raw_node(place, closing, http(GOOD)) as (node, made), client(place) as calls:
        await calls.call(node, VersionCall(), CTX)
        await calls.call(node, VersionCall(), CTX)
        assert len(made) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"x" * 20000,
        http(b"no JSON"),
        http(b'{"ok": true, "result": {"protocol": "x"}}'),
    ],
    ids=["no length", "no number", "too long", "no end", "no JSON", "wrong type"],
)
async def test_nonsense_is_an_error_of_ours(place: Place, answer: bytes) -> None:
    async with raw_node(place, answer) as (node, _made), client(place) as calls:
        with pytest.raises(NodeCallError):
            await calls.call(node, VersionCall(), CTX)


async def test_a_cancelled_call_does_not_leave_its_answer_to_the_next(place: Place) -> None:
    async with raw_node(place, b"HTTP/1.1", http(GOOD)) as (node, made), client(place) as calls:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await calls.call(node, VersionCall(), CTX)
        assert await calls.call(node, VersionCall(), CTX) == VERSION
        assert len(made) == 2
