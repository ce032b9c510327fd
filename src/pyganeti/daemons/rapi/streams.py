"""Answers that are sent piece by piece: long lists an object a line, and events.

    Stream -> send -> client

A client that does not take what it asked for is let go.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import msgspec
from aiohttp import web

from pyganeti.model.errors import GenericError
from pyganeti.rapi.call import Json, Stream
from pyganeti.rapi.resource import LINES

# Objects in one piece.
_PIECE: Final = 200
# Until a client has taken a piece.
_TAKE_S: Final = 60.0
_LOG: Final = logging.getLogger(__name__)
_encoder: Final = msgspec.json.Encoder()


def wants_lines(accept: str) -> bool:
    """Whether a header ``Accept`` names lists of lines."""
    return any(part.partition(";")[0].strip().lower() == LINES for part in accept.split(","))


def lines(found: list[Json]) -> Stream:
    """A list as lines."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        for begin in range(0, len(found), _PIECE):
            yield _encoder.encode_lines(found[begin : begin + _PIECE])
            # Others are answered between two pieces.
            await asyncio.sleep(0)

    return Stream(LINES, pieces(), {"Vary": "Accept"})


async def send(request: web.BaseRequest, stream: Stream, server: str) -> web.StreamResponse:
    """Send ``stream`` to its end, or until the client has gone.

    Raises:
        RapiError: there is not even a beginning.
    """
    async with aclosing(stream.parts) as parts:
        # Nothing is sent before the first piece, so that a refusal is still an answer.
        first = await anext(parts, b"")
        headers = {**stream.headers, "Content-Type": stream.kind, "Server": server}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        try:
            await _give(response, first)
            async for part in parts:
                await _give(response, part)
            await response.write_eof()
        except (GenericError, TimeoutError, ConnectionError) as err:
            _LOG.info("%s: a stream breaks off: %s", request.remote, type(err).__name__)
            # Without an end, so that nobody takes it for whole.
            if request.transport is not None:
                request.transport.abort()
        return response


async def _give(response: web.StreamResponse, part: bytes) -> None:
    async with asyncio.timeout(_TAKE_S):
        await response.write(part)
