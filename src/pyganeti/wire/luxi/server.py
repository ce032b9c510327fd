"""The master's end of LUXI: requests from unix sockets to a handler, answers back.

Data flow: client -> JSON text and byte 3 -> ``handler(method, args)`` -> JSON text and byte 3.
Requests of one connection are answered one after another, those of different connections at once.
A broken request is answered with an error. No client harms another: see
docs/design/0007-luxi.md. Source: LUXI protocol facts (framing, keys, version).
"""

import asyncio
import logging
import os
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from pyganeti.model.errors import GenericError, LuxiError

from .connection import Connection
from .limits import Limits, Room
from .message import Request, answer, refusal

# More wait in the kernel's line until they are accepted.
_BACKLOG: Final = 1024
_CREDENTIALS: Final = struct.Struct("3i")

# Any: a method's arguments and results are whatever JSON its declaration says.
Handler = Callable[[str, list[Any]], Awaitable[Any]]

_log = logging.getLogger(__name__)


def _never(method: str) -> bool:
    return False


class LuxiServer:
    """Serves ``handler`` on unix sockets.

    Args:
        handler: called with method and arguments; a ``GenericError`` it raises is the answer.
        paths: the sockets; a file left there by an earlier process is replaced.
        is_question: whether a method changes nothing, so that it ends when its client leaves.
        mode: permission bits of the sockets.
        owner: their user and group; -1 is whoever we are.
        limits: what clients may take.
    """

    def __init__(
        self,
        handler: Handler,
        *paths: str,
        is_question: Callable[[str], bool] = _never,
        mode: int = 0o660,
        owner: tuple[int, int] = (-1, -1),
        limits: Limits | None = None,
    ) -> None:
        self._handler = handler
        self._paths = paths
        self._is_question = is_question
        self._mode = mode
        self._owner = owner
        self.limits = limits or Limits()
        self.room = Room(self.limits.large_requests)
        self._listeners: dict[socket.socket, asyncio.Task[None]] = {}
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self.writing: set[Connection] = set()
        self._left = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None

    # --- its life

    async def start(self) -> None:
        """Listen; returns once clients can connect.

        Raises:
            LuxiError: a socket cannot be made.
        """
        loop = asyncio.get_running_loop()
        for path in self._paths:
            try:
                listener = self._listen(path)
            except OSError as err:
                await self.stop()
                raise LuxiError(f"cannot listen on {path}: {err}") from err
            # Not in a group: stop() ends it.
            self._listeners[listener] = loop.create_task(self._accept(listener))

    def _listen(self, path: str) -> socket.socket:
        with suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(path)
            # Nobody can connect before it listens.
            os.chown(path, *self._owner)
            os.chmod(path, self._mode)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    async def stop(self, grace_s: float = 0.0) -> None:
        """Accept no more clients and end all connections; requests under way are cancelled.

        Args:
            grace_s: how long clients that are connected may still ask.
        """
        listeners, self._listeners = self._listeners, {}
        await _end(set(listeners.values()))
        for listener in listeners:
            path = listener.getsockname()
            listener.close()
            with suppress(FileNotFoundError):
                os.unlink(path)
        serving = set(self._connections) - {asyncio.current_task()}
        if serving and grace_s:
            await asyncio.wait(serving, timeout=grace_s)
        await _end(serving)
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    # --- clients

    async def _accept(self, listener: socket.socket) -> None:
        """Take clients as long as there is place for them; the others wait in the kernel."""
        loop = asyncio.get_running_loop()
        while True:
            await self._place()
            try:
                connected, _ = await loop.sock_accept(listener)
            except OSError as err:
                # Out of files, most likely: who waits is served when others have gone.
                _log.error("cannot accept a client: %s", err)
                await asyncio.sleep(self.limits.round_s)
                continue
            connection = Connection(self, _client_of(connected))
            try:
                await loop.connect_accepted_socket(partial(_same, connection), connected)
            except OSError as err:
                _log.error("%s: %s", connection.client, err)
                connected.close()

    async def _place(self) -> None:
        while len(self._connections) >= self.limits.clients:
            self._make_place()
            self._left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limits.round_s):
                    await self._left.wait()

    def _make_place(self) -> None:
        """End the connection that has been used for nothing for the longest time."""
        now = asyncio.get_running_loop().time()
        idlest = min(self._connections.values(), key=lambda one: one.began_idling)
        if now - idlest.began_idling >= self.limits.idle_s:
            _log.warning("%s: idle, and others wait: dropped", idlest.client)
            idlest.abort()

    def opened(self, connection: Connection) -> None:
        """Serve a new connection."""
        loop = asyncio.get_running_loop()
        # Not in a group: it lives from one callback of the loop to another. stop() ends it.
        task = loop.create_task(connection.serve())
        self._connections[task] = connection
        task.add_done_callback(self._closed)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self.limits.round_s, self._sweep)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        connection = self._connections.pop(task)
        self._left.set()
        if not task.cancelled() and (failure := task.exception()) is not None:
            _log.error("%s: connection failed", connection.client, exc_info=failure)

    def _sweep(self) -> None:
        """End what takes too long."""
        now, limits = asyncio.get_running_loop().time(), self.limits
        crowded = self.room.is_wanted
        for connection in self.writing:
            connection.look(now)
        for connection in list(self._connections.values()):
            hurry = crowded and connection.holds_room
            request_s = limits.slow_s if hurry else limits.request_s
            if now - connection.began_request >= request_s:
                _log.warning("%s: request not whole after %g s", connection.client, request_s)
                connection.refuse(LuxiError(f"the request was not whole after {request_s:g} s"))
            elif now - connection.began_silence >= limits.silent_s:
                _log.warning("%s: answer not taken: dropped", connection.client)
                connection.abort()
        self._sweeper = None
        if self._connections:
            self._sweeper = asyncio.get_running_loop().call_later(limits.round_s, self._sweep)

    # --- requests

    async def unsent_fits(self) -> None:
        """Wait until what clients have not taken leaves room for another answer."""
        while sum(one.unsent for one in self.writing) > self.limits.unsent:
            self._drop_stuck()
            self._left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limits.round_s):
                    await self._left.wait()

    def _drop_stuck(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.writing):
            connection.look(now)
            if now - connection.began_silence >= self.limits.stuck_s:
                _log.warning("%s: answer not taken, and others wait: dropped", connection.client)
                connection.abort()

    def may_be_dropped(self, request: Request) -> bool:
        """Whether the request ends when its client leaves."""
        return self._is_question(request.method)

    async def answer(self, request: Request) -> bytearray:
        """The answer, whatever happens."""
        try:
            return answer(await self._handler(request.method, request.args))
        except GenericError as err:
            return refusal(err)
        except Exception as err:
            # Supervisor: a bug in one request must not take the master down. The error's own text
            # may hold what the client sent, secrets included: only the place is logged.
            place = "".join(traceback.format_tb(err.__traceback__))
            _log.error("request failed with %s at\n%s", type(err).__name__, place)
            text = "internal error, the master daemon's log says more"
            return refusal(GenericError(text))


def _same(connection: Connection) -> Connection:
    return connection


async def _end(tasks: "set[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _client_of(connected: socket.socket) -> str:
    """Who connected."""
    options = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(options)
    return f"LUXI client (process {pid}, user {uid})"
