"""The master's end of LUXI: requests from a unix socket to a handler, answers back.

Data flow: client -> JSON text and byte 3 -> ``handler(method, args)`` -> JSON text and byte 3.
Requests of one connection are answered one after another, those of different connections at once.
A broken request is answered with an error; one too large or without an end closes its connection
only. Source: LUXI protocol facts (framing, keys, version).
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from pyganeti.model.errors import GenericError, LuxiError, to_wire
from pyganeti.model.versions import LUXI_VERSION

EOM: Final = b"\x03"
MAX_REQUEST: Final = 64 * 1024 * 1024
_BACKLOG: Final = 1024

# Any: a method's arguments and results are whatever JSON its declaration says.
Handler = Callable[[str, list[Any]], Awaitable[Any]]

_log = logging.getLogger(__name__)


class _Request(msgspec.Struct):
    method: str
    args: list[Any] = msgspec.field(default_factory=list)
    version: int | None = None


_decoder = msgspec.json.Decoder(_Request)
_encoder = msgspec.json.Encoder()


def _answer(success: bool, result: object) -> bytes:
    reply = {"success": success, "result": result, "version": LUXI_VERSION}
    return _encoder.encode(reply) + EOM


def _decode(data: bytes) -> _Request:
    try:
        request = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise LuxiError(f"malformed request: {err}") from err
    if request.version is not None and request.version != LUXI_VERSION:
        raise LuxiError(
            f"the client speaks LUXI version {request.version}, this master {LUXI_VERSION}"
        )
    return request


class LuxiServer:
    """Serves ``handler`` on a unix socket.

    Args:
        handler: called with method and arguments; a ``GenericError`` it raises is the answer.
        path: the socket; a file left there by an earlier process is replaced.
        mode: its permission bits.
        max_request: bytes of the longest request taken.
    """

    def __init__(
        self, handler: Handler, path: str, mode: int = 0o660, *, max_request: int = MAX_REQUEST
    ) -> None:
        self._handler = handler
        self._path = path
        self._mode = mode
        self._max_request = max_request
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; returns once clients can connect.

        Raises:
            LuxiError: the socket cannot be made.
        """
        try:
            with suppress(FileNotFoundError):
                os.unlink(self._path)
            self._server = await asyncio.start_unix_server(
                self._accept, self._path, limit=self._max_request, backlog=_BACKLOG
            )
            os.chmod(self._path, self._mode)
        except OSError as err:
            raise LuxiError(f"cannot listen on {self._path}: {err}") from err

    async def stop(self, grace_s: float = 0.0) -> None:
        """Accept no more clients and end all connections; requests under way are cancelled.

        Args:
            grace_s: how long clients that are connected may still ask.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
            with suppress(FileNotFoundError):
                os.unlink(self._path)
        connections = self._connections - {asyncio.current_task()}
        if connections and grace_s:
            await asyncio.wait(connections, timeout=grace_s)
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine, for which asyncio would start a task that nobody owns: stop() ends these.
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                data = await reader.readuntil(EOM)
                answer = await self._handle(data[:-1])
                if writer.is_closing():  # the client did not wait; uvloop refuses to write then
                    return
                writer.write(answer)
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_answer(False, to_wire(LuxiError("the request is too large"))))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, with or without an unfinished request
        finally:
            writer.close()

    async def _handle(self, data: bytes) -> bytes:
        try:
            request = _decode(data)
            return _answer(True, await self._handler(request.method, request.args))
        except GenericError as err:
            return _answer(False, to_wire(err))
        except Exception:
            # Supervisor: a bug in one request must not take the master down.
            _log.exception("request failed")
            text = "internal error, the master daemon's log says more"
            return _answer(False, to_wire(GenericError(text)))
