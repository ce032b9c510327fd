"""The HTTP side of a node daemon: bodies in, bodies out; what they mean is the dispatcher's.

noded builds it: ``web.ServerRunner(node_server(dispatcher))``. No router: every request is
``POST /v1/<procedure>``.
"""

import asyncio
import ssl
from typing import Final, Protocol

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from pyganeti.kit.tls import Peer, peer_of
from pyganeti.model.errors import NodeCallError

from .codec import (
    MAX_BODY,
    Answer,
    Refusal,
    Refused,
    Request,
    decode_request,
    encode_answer,
    failure,
)

_PREFIX: Final = "/v1/"
_STATUS: Final = {
    Refusal.MALFORMED: 400,
    Refusal.NOT_ADMITTED: 403,
    Refusal.UNKNOWN: 404,
    Refusal.STALE: 409,
    Refusal.TOO_LARGE: 413,
}


class Dispatch(Protocol):
    """What answers calls: the node's dispatcher."""

    async def dispatch(self, procedure: str, request: Request, peer: Peer) -> Answer:
        """Answer a call.

        Raises:
            Refused: it was not begun.
        """
        ...


class _Handler:
    """Answers one request at a time on each connection."""

    def __init__(self, dispatcher: Dispatch) -> None:
        self._dispatcher = dispatcher
        # Certificates seen, by their encoding: reading one takes longer than all the rest.
        self._peers: dict[bytes, Peer] = {}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer, status = await self._answer(request), 200
        except Refused as refused:
            answer, status = failure(refused.error), _STATUS[refused.refusal]
        return web.Response(
            body=encode_answer(answer), status=status, content_type="application/json"
        )

    async def _answer(self, request: web.BaseRequest) -> Answer:
        if request.method != "POST" or not request.path.startswith(_PREFIX):
            text = f"no such resource: {request.method} {request.path}"
            raise Refused(Refusal.UNKNOWN, NodeCallError(text))
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as err:
            text = f"a call is limited to {MAX_BODY >> 20} MiB"
            raise Refused(Refusal.TOO_LARGE, NodeCallError(text)) from err
        procedure = request.path.removeprefix(_PREFIX)
        return await self._dispatcher.dispatch(procedure, decode_request(body), self._peer(request))

    def _peer(self, request: web.BaseRequest) -> Peer:
        transport = request.transport
        connection = None if transport is None else transport.get_extra_info("ssl_object")
        if not isinstance(connection, ssl.SSLObject):
            raise Refused(Refusal.NOT_ADMITTED, NodeCallError("no TLS on this connection"))
        der = connection.getpeercert(binary_form=True) or b""
        peer = self._peers.get(der) or peer_of(connection)
        if peer is None:
            raise Refused(Refusal.NOT_ADMITTED, NodeCallError("the caller has no certificate"))
        self._peers[der] = peer
        return peer


def node_server(dispatcher: Dispatch) -> web.Server:
    """The server for ``web.ServerRunner``."""
    handler = _Handler(dispatcher)
    return web.Server(
        handler,
        request_factory=_request_factory,
        access_log=None,
        # Longer than the client keeps its side, so that it is the client who closes.
        keepalive_timeout=900.0,
    )


def _request_factory(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    # aiohttp's own factory has no way to set the largest body.
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)
