"""One kept HTTP/1.1 connection to a node daemon, one call at a time on it.

The client (``client.py``) opens and keeps them. It speaks only what our server answers: bodies
with a length. A general HTTP client costs the master 150 us of CPU a call, this one 60; and it
knows exactly whether a request may have been seen, which decides what a caller may conclude.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, cast

from pyganeti.model.errors import NodeCallError

from .call import NodeAddress
from .codec import MAX_BODY

CONNECT_TIMEOUT_S: Final = 5.0
# After this long without an answer it is time to ask whether the node is still there.
PATIENCE_S: Final = 10.0
# A node that is silent for longer is found out by who waits for it, who also knows what follows.
_ASK_AFTER_S: Final = 5
_ASK_TIMES: Final = 12
_PIECE: Final = 256 * 1024
_MAX_HEAD: Final = 16 * 1024
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class ConnectionBroken(Exception):
    """The connection ended before the answer; what was sent may have been seen."""


class NodeConnection(asyncio.Protocol):
    """A connection; made by :func:`connect`."""

    def __init__(self, node: NodeAddress) -> None:
        self._host = f"{node.name}:{node.port}".encode("ascii")
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._missing = 0
        self._head_end = -1
        self._answer: asyncio.Future[bytes] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.reusable = True
        self.is_last = False
        """Whether no further call is to be made on it."""
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        # Not proved with isinstance: uvloop's transports are of classes of its own.
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self.reusable = False
        self._lost.set()
        self._writable.set()
        self._fail(ConnectionBroken(str(exc) if exc else "the node closed the connection"))

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._buffer += data
        if self._head_end < 0 and not self._read_head():
            return
        if len(self._buffer) >= self._head_end + self._missing:
            self._finish()

    def _read_head(self) -> bool:
        """Find the end of the headers and the length of the body; whether they are complete."""
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                self._refuse("headers without end")
            return False
        head = bytes(self._buffer[:end]).lower()
        _before, found, rest = head.partition(_LENGTH)
        number = rest.split(b"\r\n", 1)[0].strip()
        if not found or not number.isdigit() or int(number) > MAX_BODY:
            self._refuse("no usable length")
            return False
        if b"connection: close" in head:
            self.reusable = False
        self._head_end, self._missing = end + len(_END_OF_HEAD), int(number)
        return True

    def _finish(self) -> None:
        body = bytes(self._buffer[self._head_end : self._head_end + self._missing])
        extra = len(self._buffer) > self._head_end + self._missing
        self._buffer.clear()
        self._head_end = -1
        if self._answer is None or self._answer.done() or extra:
            # Nobody asked for this: the two ends do not agree any more about where they are.
            self.close()
            return
        self._answer.set_result(body)

    def _refuse(self, what: str) -> None:
        self._fail(NodeCallError(f"the answer is no HTTP of ours: {what}"))
        self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def close(self) -> None:
        """End the connection at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_lost(self) -> bool:
        """Whether nothing of it is left."""
        return self._lost.is_set()

    async def closed(self) -> None:
        """Wait until nothing of it is left."""
        await self._lost.wait()

    async def exchange(
        self, procedure: str, body: bytes, impatient: Callable[[], Awaitable[None]]
    ) -> bytes:
        """Send a request and return the answer's body. One at a time; a cancelled one closes.

        Args:
            procedure: what is called.
            body: the request.
            impatient: called each time nothing came for :data:`PATIENCE_S`; may raise.

        Raises:
            ConnectionBroken: the request may or may not have been seen.
            NodeCallError: what came back is no answer.
        """
        transport = self._transport
        if transport is None or not self.reusable:
            raise ConnectionBroken("the connection was closed before")
        self._answer = asyncio.get_running_loop().create_future()
        head = b"POST /v1/%b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (
            procedure.encode("ascii"),
            self._host,
            len(body),
        )
        try:
            if len(body) <= _PIECE:
                transport.write(head + body)
            else:
                transport.write(head)
                await self._send_in_pieces(transport, body)
            while not (await asyncio.wait([self._answer], timeout=PATIENCE_S))[0]:
                await impatient()
            return self._answer.result()
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    async def _send_in_pieces(self, transport: asyncio.Transport, body: bytes) -> None:
        # Encrypting many MiB at once would block the loop.
        for start in range(0, len(body), _PIECE):
            if not self.reusable:
                return
            transport.write(body[start : start + _PIECE])
            await self._writable.wait()
            await asyncio.sleep(0)


async def connect(node: NodeAddress, tls: ssl.SSLContext) -> NodeConnection:
    """Connect to ``node``; its certificate must name it.

    Raises:
        OSError: no connection was made (``ssl.SSLError``, ``TimeoutError`` among them), so nothing
            was sent.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        transport, connection = await loop.create_connection(
            lambda: NodeConnection(node), node.ip, node.port, ssl=tls, server_hostname=node.name
        )
    _keep_asking(transport.get_extra_info("socket"))
    return connection


def _keep_asking(sock: socket.socket) -> None:
    """Let the kernel ask whether the other end still has the connection.

    A machine that lost its power and is back answers new connections, and knows nothing of those
    it had: who waits there waits until the call's time is up.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ASK_AFTER_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_AFTER_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASK_TIMES)
