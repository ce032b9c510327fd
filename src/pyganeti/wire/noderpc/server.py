"""The HTTP side of a node daemon: bodies in, bodies out; what they mean is the dispatcher's.

noded and simulated nodes build it. Every request is ``POST /v1/<procedure>``; those of one
connection are answered one after another. A general HTTP server costs 50 us of CPU a call more,
and noded 10 MB.
"""

import asyncio
import logging
import ssl
from typing import Final, Protocol, cast

from pyganeti.kit.tls import Peer, peer_of
from pyganeti.model.errors import NodeCallError

from .codec import Answer, Refusal, Refused, Request, decode_request, encode_answer, failure
from .http import END_OF_HEAD, MAX_HEAD, Head, answer_bytes, parse_head

_LOG: Final = logging.getLogger(__name__)
_PREFIX: Final = "/v1/"
_STATUS: Final = {
    Refusal.MALFORMED: 400,
    Refusal.NOT_ADMITTED: 403,
    Refusal.UNKNOWN: 404,
    Refusal.STALE: 409,
    Refusal.TOO_LARGE: 413,
}
_OK: Final = 200
_INTERNAL: Final = 500
_BACKLOG: Final = 128
# Quiet connections are closed after 15 rounds: longer than the client keeps its side, so that it
# is the client who closes.
_ROUND_S: Final = 60.0
_MOST_ROUNDS: Final = 15


class Dispatch(Protocol):
    """What answers calls: the node's dispatcher."""

    async def dispatch(self, procedure: str, request: Request, peer: Peer) -> Answer:
        """Answer a call.

        Raises:
            Refused: it was not begun.
        """
        ...


class _Connection(asyncio.Protocol):
    """One caller's connection: collects a request, has it answered, goes on."""

    def __init__(self, server: "NodeServer") -> None:
        self._server = server
        self._buffer = bytearray()
        self._missing = 0
        self._more: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._paused = False
        self.quiet_rounds = 0
        self.is_busy = False
        self.is_last = False
        """Whether its answer is the last one here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self._peer = _peer(transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.BaseProtocol`. A call that was begun goes on without its caller."""
        self._ended = True
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self.quiet_rounds = 0
        self._buffer += data
        if len(self._buffer) >= self._missing:
            self._wake()
        if self.is_busy and len(self._buffer) > MAX_HEAD:
            # Whoever sends the next before the answer waits until it is looked at.
            self._paused = True
            self._transport.pause_reading()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    def close(self) -> None:
        """End it at once."""
        self._transport.abort()

    async def serve(self) -> None:
        """Answer requests until one end has enough."""
        keep = True
        try:
            while keep and (head := await self._next_head()) is not None:
                body = await self._body(head)
                if body is None:
                    return
                self.is_busy = True
                answer, status = await self._server.answer(head, body, self._peer)
                keep = head.keep and not (self.is_last or self._server.is_stopping)
                await self._write(status, answer, keep=keep)
        except Refused as refused:
            # What follows cannot be told apart from a body any more.
            await self._write(_STATUS[refused.refusal], failure(refused.error), keep=False)
        finally:
            self._transport.close()

    async def _next_head(self) -> Head | None:
        """The next request's head; ``None`` at the end of the connection."""
        while (end := self._buffer.find(END_OF_HEAD)) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise Refused(Refusal.MALFORMED, NodeCallError("request: head without end"))
            if not await self._wait(0):
                return None
        head = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + len(END_OF_HEAD)]
        return head

    async def _body(self, head: Head) -> bytes | None:
        while len(self._buffer) < head.length:
            if not await self._wait(head.length):
                return None
        with memoryview(self._buffer) as view:
            body = bytes(view[: head.length])
        del self._buffer[: head.length]
        return body

    async def _wait(self, length: int) -> bool:
        """Wait for more data, until there are ``length`` bytes; whether any may come."""
        if self._ended:
            return False
        self._missing = length
        self._more = asyncio.get_running_loop().create_future()
        await self._more
        return not self._ended

    async def _write(self, status: int, answer: Answer, *, keep: bool) -> None:
        self._transport.write(answer_bytes(status, encode_answer(answer), keep=keep))
        await self._writable.wait()
        self.is_busy = False
        if self._paused and not self._ended:
            self._paused = False
            self._transport.resume_reading()


class NodeServer:
    """Serves a dispatcher over mutual TLS.

    Args:
        dispatcher: answers the calls.
        most: how many connections there may be; one more is closed at once. ``None`` for any.
    """

    def __init__(self, dispatcher: Dispatch, most: int | None = None) -> None:
        self._dispatcher = dispatcher
        self._most = most
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self.is_stopping = False

    async def start(self, address: str, port: int, tls: ssl.SSLContext) -> None:
        """Listen; returns once callers can connect.

        Raises:
            OSError: the address cannot be used.
        """
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: _Connection(self), address, port, ssl=tls, backlog=_BACKLOG
        )
        self._servers = [listening]
        self._sweeper = loop.call_later(_ROUND_S, self._sweep)

    @property
    def port(self) -> int:
        """The port it listens on."""
        if not self._servers:
            raise RuntimeError("the server was not started")
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Take connections with ``tls`` from now on.

        Whoever was admitted before gets the answers that are being worked on, and no more. No
        connection is refused meanwhile: old and new listen at the same sockets.
        """
        loop = asyncio.get_running_loop()
        before, sockets = self._servers, [one for each in self._servers for one in each.sockets]
        self._servers = [
            await loop.create_server(
                lambda: _Connection(self), sock=one.dup(), ssl=tls, backlog=_BACKLOG
            )
            for one in sockets
        ]
        for server in before:
            server.close()
        for connection in tuple(self._connections.values()):
            connection.is_last = True
            if not connection.is_busy:
                connection.close()

    async def stop(self, grace_s: float) -> None:
        """Take no more; calls that are being answered get ``grace_s`` seconds."""
        self.is_stopping = True
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        busy = [task for task, connection in self._connections.items() if connection.is_busy]
        if busy:
            await asyncio.wait(busy, timeout=grace_s)
        left = list(self._connections)
        for task in left:
            self._connections[task].close()
            task.cancel()
        if left:
            await asyncio.wait(left)

    def opened(self, connection: _Connection) -> None:
        """Serve a new connection."""
        if self._most is not None and len(self._connections) >= self._most:
            _LOG.warning("closed a connection: there are %d, and may be no more", self._most)
            connection.close()
            return
        # Not in a group: it lives from one callback of the loop to another. stop() ends it.
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._connections[task] = connection
        task.add_done_callback(self._closed)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        del self._connections[task]

    def _sweep(self) -> None:
        for connection in self._connections.values():
            connection.quiet_rounds += 1
            if connection.quiet_rounds > _MOST_ROUNDS and not connection.is_busy:
                connection.close()
        self._sweeper = asyncio.get_running_loop().call_later(_ROUND_S, self._sweep)

    async def answer(self, head: Head, body: bytes, peer: Peer | None) -> tuple[Answer, int]:
        """Answer one request: body and status."""
        try:
            if head.method != "POST" or not head.path.startswith(_PREFIX):
                text = f"no such resource: {head.method} {head.path}"
                raise Refused(Refusal.UNKNOWN, NodeCallError(text))
            if peer is None:
                raise Refused(Refusal.NOT_ADMITTED, NodeCallError("the caller has no certificate"))
            procedure = head.path[len(_PREFIX) :]
            return await self._dispatcher.dispatch(procedure, decode_request(body), peer), _OK
        except Refused as refused:
            return failure(refused.error), _STATUS[refused.refusal]
        except Exception:
            # Supervisor: the dispatcher answers what handlers raise; this is a bug before them, or
            # an epoch that could not be stored. Nothing was begun.
            _LOG.exception("%s was not begun", head.path)
            text = f"{head.path}: internal error, the node daemon's log says more"
            return failure(NodeCallError(text)), _INTERNAL


def _peer(transport: asyncio.BaseTransport) -> Peer | None:
    connection = transport.get_extra_info("ssl_object")
    return peer_of(connection) if isinstance(connection, ssl.SSLObject) else None
