"""Answers requests: finds the resource, lets the user in, reads the body, asks the master.

    HTTP request -> Table -> Gate -> BodyReader -> resource -> JSON

Whatever happens is answered; errors as ``{"code", "message", "explain"}``.
"""

import hashlib
import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from pyganeti.daemons.exposing import CONTENT_TYPE
from pyganeti.kit.clock import Clock
from pyganeti.model.errors import GenericError
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.rapi.call import Call, Content, Json, Master, Stream
from pyganeti.rapi.gate import Gate
from pyganeti.rapi.resource import ANYONE, Method
from pyganeti.rapi.routes import Found, Table
from pyganeti.rapi.shapes import Listing
from pyganeti.rapi.status import BadRequest, RapiError, status_of

from .body import BodyReader
from .health import Health
from .metrics import cluster_metrics
from .streams import lines, send, wants_lines

METRICS_PATH: Final = "/metrics"
_MOST_ARGUMENTS: Final = 1000
# An answer that is shorter takes more for its compression than it saves.
_COMPRESSED: Final = 4096
_SERVER: Final = f"Ganeti {RELEASE_VERSION}"
_LOG: Final = logging.getLogger(__name__)
_encoder: Final = msgspec.json.Encoder()


class Service:
    """See the module.

    Args:
        master: the master daemon.
        gate: who may do what.
        clock: of the daemon.
        bodies: reads them.
    """

    def __init__(self, master: Master, gate: Gate, clock: Clock, bodies: BodyReader) -> None:
        self._master = master
        self._gate = gate
        self._clock = clock
        self._bodies = bodies
        self._table = Table()
        self._health = Health(clock)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to ``request``, whatever happens."""
        began = self._clock.monotonic()
        response = await self._response(request)
        took_ms = (self._clock.monotonic() - began) * 1000
        # Without the arguments: they say more than a log needs to know.
        path = request.raw_path.partition("?")[0]
        line = "%s %.20s %.500s: %d, %.1f ms"
        _LOG.info(line, request.remote, request.method, path, response.status, took_ms)
        return response

    async def _response(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.raw_path.partition("?")[0] == METRICS_PATH:
                return await self._metrics(request)
            return await self._success(request, *await self._result(request))
        except RapiError as err:
            return refusal(err)
        except GenericError as err:
            return refusal(status_of(err))
        except Exception as err:
            # Supervisor: a bug in one request must not take the daemon down. The error's own text
            # may hold what the client sent, secrets included: only the place is logged.
            place = "".join(traceback.format_tb(err.__traceback__))
            _LOG.error("request failed with %s at\n%s", type(err).__name__, place)
            text = "internal error, the daemon's log says more"
            return refusal(RapiError(HTTPStatus.INTERNAL_SERVER_ERROR, text))

    async def _result(self, request: web.BaseRequest) -> tuple[Method, Json]:
        path, _, query = request.raw_path.partition("?")
        found = self._table.find(request.method, path)
        address = request.remote or "?"
        header = request.headers.get("Authorization")
        await self._gate.admit(header, address, found.method.access)
        call = self._call(request, found, _arguments(query))
        if found.method.body is not None or found.method.opcode is not None:
            body = await self._bodies.read(request)
            call = call.with_body(body)
        return found.method, await found.method.answer(call)

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        """No resource of version 2, and no JSON; open to whoever may read lists without a name."""
        if request.method != "GET":
            text = f"Method {request.method[:20]} is unsupported for path {METRICS_PATH}"
            raise RapiError(HTTPStatus.NOT_IMPLEMENTED, text)
        header = request.headers.get("Authorization")
        await self._gate.admit(header, request.remote or "?", ANYONE)
        headers = {"Content-Type": CONTENT_TYPE, "Server": _SERVER}
        return web.Response(body=await cluster_metrics(self._master, self._health), headers=headers)

    def _call(self, request: web.BaseRequest, found: Found, query: Mapping[str, list[str]]) -> Call:
        now_ns = int(self._clock.now() * 1_000_000_000)
        path = found.resource.path
        return Call(
            self._master, request.method, path, found.path, query, None, now_ns, request.headers
        )

    async def _success(
        self, request: web.BaseRequest, method: Method, result: Json
    ) -> web.StreamResponse:
        if isinstance(method.result, Listing) and wants_lines(request.headers.get("Accept", "")):
            result = lines(result)
        if isinstance(result, Stream):
            return await send(request, result, _SERVER)
        if isinstance(result, Content):
            content = result
        else:
            # The closing newline is Ganeti's.
            content = Content("application/json", _encoder.encode(result) + b"\n")
        data = content.data
        if request.method != "GET":
            return _sent(content)
        tag = f'"{hashlib.blake2b(data, digest_size=16).hexdigest()}"'
        known = request.headers.get("If-None-Match", "")
        if tag in (item.strip().removeprefix("W/") for item in known.split(",")):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
        response = _sent(content)
        response.headers["ETag"] = tag
        if len(data) >= _COMPRESSED and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.headers["Vary"] = "Accept-Encoding"
            response.enable_compression(web.ContentCoding.gzip)
        return response


def _arguments(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, max_num_fields=_MOST_ARGUMENTS)
    except ValueError as err:
        raise BadRequest(f"more than {_MOST_ARGUMENTS} arguments in the URL") from err


def refusal(err: RapiError) -> web.Response:
    """An error as an answer."""
    content = Content("application/json", _encoder.encode(err.body()) + b"\n")
    response = _sent(content, err.status)
    response.headers.update(err.headers)
    return response


def _sent(content: Content, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    headers = {**content.headers, "Content-Type": content.kind, "Server": _SERVER}
    return web.Response(body=content.data, status=status, headers=headers)
