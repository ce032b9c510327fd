"""The HTTPS server: connections, how many there may be, and how long they may take.

    client -> TLS -> Connection -> Service.answer -> client

aiohttp parses HTTP; what it refuses is answered in Ganeti's form as well.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from pyganeti.rapi.status import RapiError

from .service import refusal

# Of a line of the head, and of one header.
MAX_LINE: Final = 16 * 1024
MAX_HEADERS: Final = 100
# From the first byte until the first request is whole.
HEAD_S: Final = 30.0
IDLE_S: Final = 75.0
_HANDSHAKE_S: Final = 15.0
_END_S: Final = 5.0
_BACKLOG: Final = 1024
# Where there are too many clients, who asked for nothing for so long makes room.
_PATIENCE_S: Final = 2.0
# Beyond the most, connections that are answered with an error rather than closed at once.
_REFUSED: Final = 64
_LOG: Final = logging.getLogger(__name__)
_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """A client's connection.

    Attributes:
        asked: requests that came whole.
        busy: whether one of them is being answered.
        quiet_since: since when none is, in the loop's time.
    """

    def __init__(self, server: "_Server", head_s: float) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            # None is what turns it off, whatever its type says.
            access_log=cast(logging.Logger, None),
            # A body that unpacks to gigabytes is refused, not unpacked.
            auto_decompress=False,
            keepalive_timeout=IDLE_S,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            max_line_size=MAX_LINE,
        )
        self._clients = server.clients
        self._head_s = head_s
        self._timer: asyncio.TimerHandle | None = None
        self.asked = 0
        self.busy = False
        self.quiet_since = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._head_s, self._look)
        self._clients.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        if self._timer is not None:
            self._timer.cancel()
        self._clients.closed(self)
        super().connection_lost(exc)

    def _look(self) -> None:
        """End a connection whose first request is not whole by now."""
        if not self.asked and self.transport is not None:
            self.transport.write(_SLOW)
            self.end()

    def end(self) -> None:
        """Close it, once what was written is sent."""
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.Response:
        """Answer what is not HTTP, or too long; then close."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        text = "this is not HTTP, or more than it allows"
        found = RapiError(HTTPStatus(status), text)
        if isinstance(exc, LineTooLong):
            found = RapiError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        _LOG.info("%s: %s: %d", request.remote, type(exc).__name__, found.status)
        response = refusal(found)
        response.force_close()
        return response


class Clients:
    """The connections there are.

    Args:
        most: further ones are answered with an error.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[Connection] = set()

    @property
    def too_many(self) -> bool:
        """Whether there are more than allowed."""
        return len(self._all) > self._most

    def opened(self, connection: Connection) -> None:
        """Count one; where there are too many, end the one that was quiet for longest."""
        self._all.add(connection)
        if not self.too_many:
            return
        patience_s = asyncio.get_running_loop().time() - _PATIENCE_S
        quiet = [
            one for one in self._all if not one.busy and (one.asked or one.quiet_since < patience_s)
        ]
        if quiet:
            gone = min(quiet, key=lambda one: one.quiet_since)
            # TLS says goodbye, which takes a while; its place is free at once.
            self._all.discard(gone)
            gone.end()
        elif len(self._all) > self._most + _REFUSED:
            connection.end()

    def closed(self, connection: Connection) -> None:
        """Count one less."""
        self._all.discard(connection)


class _Server(web.Server):
    """Makes our connections."""

    def __init__(self, answer: Answer, clients: Clients, head_s: float) -> None:
        super().__init__(answer, handler_cancellation=True)
        self.clients = clients
        self._head_s = head_s

    def __call__(self) -> Connection:
        """A connection."""
        return Connection(self, self._head_s)


class HttpServer:
    """Listens and has requests answered.

    Args:
        answer: answers each.
        context: for TLS; plain HTTP without it.
        most: clients at once.
        head_s: until when the first request of a connection must have come.
    """

    def __init__(
        self,
        answer: Answer,
        context: ssl.SSLContext | None,
        most: int,
        *,
        head_s: float = HEAD_S,
    ) -> None:
        self._answer = answer
        self._context = context
        self._clients = Clients(most)
        self._head_s = head_s
        self._server: _Server | None = None
        self._listener: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> int:
        """Listen; the port, which the kernel chooses for 0.

        Raises:
            OSError: the address is none of ours, the port is taken.
        """
        self._server = _Server(self._handle, self._clients, self._head_s)
        tls = self._context is not None
        self._listener = await asyncio.get_running_loop().create_server(
            self._server,
            address,
            port,
            ssl=self._context,
            ssl_handshake_timeout=_HANDSHAKE_S if tls else None,
            ssl_shutdown_timeout=_END_S if tls else None,
            backlog=_BACKLOG,
            reuse_address=True,
        )
        found: int = self._listener.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Take no more clients, and end those there are after the answers under way."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            with suppress(TimeoutError):
                await self._server.shutdown(_END_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast(Connection, request.protocol)
        connection.asked += 1
        connection.busy = True
        try:
            if self._clients.too_many:
                text = "Too many clients at once"
                response = refusal(RapiError(HTTPStatus.SERVICE_UNAVAILABLE, text))
                response.force_close()
                return response
            return await self._answer(request)
        finally:
            connection.busy = False
            connection.quiet_since = asyncio.get_running_loop().time()
