"""Reads the body of a request, within bounds; each of them has its status."""

import asyncio
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from pyganeti.kit.nesting import MAX_NESTING, has_too_many, is_too_deep
from pyganeti.rapi.call import Json
from pyganeti.rapi.status import BadRequest, RapiError
from pyganeti.wire.luxi.message import MAX_REQUEST, MAX_VALUES, MIB

# A LUXI request is the same and a little more.
MAX_BODY: Final = MAX_REQUEST - MIB
BODY_S: Final = 60.0
# Bodies above this wait for one another, so that memory stays within bounds.
_LARGE: Final = 256 * 1024
_MOST_LARGE: Final = 4
_JSON: Final = "application/json"
_decoder: Final = msgspec.json.Decoder()


class BodyReader:
    """Reads bodies; see the module."""

    def __init__(self, most: int = MAX_BODY, timeout_s: float = BODY_S) -> None:
        self._most = most
        self._timeout_s = timeout_s
        self._large = asyncio.Semaphore(_MOST_LARGE)

    async def read(self, request: web.BaseRequest) -> Json:
        """The body of ``request`` from JSON; ``None`` if it is empty.

        Raises:
            RapiError: 400, 408, 413, 415 or 417.
        """
        if not request.body_exists:
            return None
        _check_head(request)
        length = request.content_length
        if length is not None and length > self._most:
            raise self._too_long()
        if length is not None and length <= _LARGE:
            return await self._decoded(request)
        async with self._large:
            return await self._decoded(request)

    async def _decoded(self, request: web.BaseRequest) -> Json:
        try:
            async with asyncio.timeout(self._timeout_s):
                data = await self._bytes(request)
        except TimeoutError as err:
            text = f"the body was not whole after {self._timeout_s:g} s"
            raise RapiError(HTTPStatus.REQUEST_TIMEOUT, text) from err
        except web.RequestPayloadError as err:
            raise BadRequest("the body is cut off or badly framed") from err
        return decode(data) if data.strip() else None

    async def _bytes(self, request: web.BaseRequest) -> bytes:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        data = bytearray()
        async for chunk in request.content.iter_any():
            data += chunk
            if len(data) > self._most:
                raise self._too_long()
        return bytes(data)

    def _too_long(self) -> RapiError:
        text = f"the body is longer than {self._most} bytes"
        return RapiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


def _check_head(request: web.BaseRequest) -> None:
    kind = request.headers.get("Content-Type")
    # Clients that say nothing send JSON all the same.
    if kind is not None and kind.partition(";")[0].strip().lower() != _JSON:
        raise RapiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RapiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed")
    expected = request.headers.get("Expect")
    if expected is not None and expected.lower() != "100-continue":
        raise RapiError(HTTPStatus.EXPECTATION_FAILED)


def decode(data: bytes) -> Json:
    """What is in a body.

    Raises:
        BadRequest: it is no JSON, too deep or of too many values.
    """
    if is_too_deep(data):
        raise BadRequest(f"Unable to parse JSON data: nested deeper than {MAX_NESTING} levels")
    if has_too_many(data, MAX_VALUES):
        raise BadRequest(f"Unable to parse JSON data: more than {MAX_VALUES} values")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise BadRequest("Unable to parse JSON data") from err
