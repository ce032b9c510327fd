"""One client of the master's LUXI server: its requests one after another, never more than fits.

    bytes -> buffer -> request -> desk -> answer -> bytes

Reading stops while a request is answered and the next is there already, and while a large one
waits for room. What clients may take in all is the server's to say. Source: LUXI protocol facts.
"""

import asyncio
import select
from typing import Final, Protocol, cast

from pyganeti.model.errors import GenericError, LuxiError

from .limits import SMALL, Limits, Room
from .message import EOM, Request, decode_request, refusal, too_large

_NEVER: Final = float("inf")


class Desk(Protocol):
    """What answers: the server."""

    limits: Limits
    room: Room
    writing: "set[Connection]"

    async def answer(self, request: Request) -> bytearray:
        """The answer, whatever happens."""
        ...

    def may_be_dropped(self, request: Request) -> bool:
        """Whether nothing is lost when the request is given up in the middle."""
        ...

    async def unsent_fits(self) -> None:
        """Wait until another answer has room."""
        ...

    def opened(self, connection: "Connection") -> None:
        """A connection was made: serve it."""
        ...


class Connection(asyncio.Protocol):
    """See the module.

    Args:
        desk: answers.
        client: who it is, for the log.
    """

    def __init__(self, desk: Desk, client: str) -> None:
        self._desk = desk
        self.client = client
        self._buffer = bytearray()
        self._searched = 0
        self._allowed = SMALL
        self._paused = False
        self._held = 0
        self._discarded: int | None = None
        self._more: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._droppable: asyncio.Task[None] | None = None
        self._unsent = 0
        self._loop = asyncio.get_running_loop()
        # Times of the loop at which something began that has not ended.
        self.began_request = _NEVER
        self.began_silence = _NEVER
        self.began_idling = self._loop.time()

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self._desk.opened(self)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._discarded is not None:
            self._discarded += len(data)
            if EOM not in data:
                if self._discarded > self._desk.limits.discarded:
                    self.abort()
                return
            self._discarded, data = None, data.partition(EOM)[2]
        self._buffer += data
        if len(self._buffer) > self._allowed and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """See :class:`asyncio.Protocol`. Who only has no more questions still gets answers."""
        self._ended = True
        self._wake()
        if self._droppable is not None and self._is_gone():
            self._droppable.cancel()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._ended = True
        self._writable.set()
        self._wake()
        if self._droppable is not None:
            self._droppable.cancel()

    def pause_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self._writable.set()

    def _is_gone(self) -> bool:
        """Whether the client closed its end for both directions."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), 0)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    # --- requests

    async def serve(self) -> None:
        """Answer requests until one end has enough."""
        try:
            while (request := await self._next()) is not None:
                await self._desk.unsent_fits()
                reply = await self._answer(request)
                del request  # what it holds may be large, and the answer may not be taken soon
                self._hold(0)
                await self._send(reply)
                del reply
                if self._buffer:  # others have their turn between two requests of one client
                    await asyncio.sleep(0)
            # Who has no more questions may be taking the last answer still: as long as its end is
            # open, the connection counts, and the time it may take is bounded.
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits(0)
                await self._taken()
        except asyncio.CancelledError:
            # The server stops. A loop cannot be closed while somebody takes nothing.
            self._transport.abort()
            raise
        finally:
            self._hold(0)
            self._buffer.clear()
            self._transport.close()

    async def _answer(self, request: Request | LuxiError) -> bytearray:
        if isinstance(request, LuxiError):
            return refusal(request)
        if self._desk.may_be_dropped(request):
            self._droppable = asyncio.current_task()
        try:
            return await self._desk.answer(request)
        finally:
            self._droppable = None

    async def _next(self) -> Request | LuxiError | None:
        """The next request, or what is wrong with it; ``None`` when there will be none."""
        limit = self._desk.limits.request
        while (end := self._buffer.find(EOM, self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > limit:
                return self._discard(limit)
            if self._ended:
                return None
            if self._searched > SMALL and not self._held:
                await self._take_room(limit)
                self._allow(limit)
            else:
                await self._arrival()
        self.began_request = self.began_idling = _NEVER
        if end > limit:
            self._cut_out(end)
            return too_large(limit)
        if end > SMALL and not self._held:  # it came all at once
            await self._take_room(end)
        try:
            return decode_request(self._cut_out(end))
        except LuxiError as err:
            return err

    def _cut_out(self, end: int) -> bytes:
        with memoryview(self._buffer) as view:
            data = bytes(view[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        self._hold(len(data) if self._held else 0)
        self._allow(SMALL)
        return data

    def _discard(self, limit: int) -> LuxiError:
        """Forget a request that is too long, and what comes of it."""
        self._discarded = len(self._buffer)
        self._buffer.clear()
        self._searched = 0
        self._hold(0)
        self._allow(SMALL)
        return too_large(limit)

    async def _arrival(self) -> None:
        """Wait for more."""
        now = self._loop.time()
        if self._buffer or self._discarded is not None:
            self.began_request, self.began_idling = min(self.began_request, now), _NEVER
        else:
            self.began_request, self.began_idling = _NEVER, min(self.began_idling, now)
        self._more = self._loop.create_future()
        try:
            await self._more
        finally:
            self._more = None

    async def _take_room(self, size: int) -> None:
        self.began_request = self.began_idling = _NEVER  # the wait is not the client's fault
        await self._desk.room.take(size)
        self._held = size

    def _hold(self, size: int) -> None:
        """Keep ``size`` bytes of the room."""
        if self._held > size:
            self._desk.room.give_back(self._held - size)
            self._held = size

    def _allow(self, size: int) -> None:
        """Let the buffer grow until it holds more than ``size`` bytes."""
        self._allowed = size
        if self._paused and len(self._buffer) <= size and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    @property
    def holds_room(self) -> bool:
        """Whether it has a part of the room for large requests."""
        return self._held > 0

    # --- answers

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    async def _send(self, reply: bytearray) -> None:
        if self._transport.is_closing():  # the client did not wait; uvloop refuses to write then
            return
        self._transport.write(reply)
        del reply
        await self._taken()

    async def _taken(self) -> None:
        """Wait until the client has taken enough for more to be written."""
        if self._writable.is_set():
            return
        self._unsent, self.began_silence = self.unsent, self._loop.time()
        self._desk.writing.add(self)
        try:
            await self._writable.wait()
        finally:
            self._desk.writing.discard(self)
            self.began_silence = _NEVER

    def look(self, now: float) -> None:
        """See whether the client took something since the last look."""
        if self._unsent != self.unsent:
            self._unsent, self.began_silence = self.unsent, now

    # --- the end

    def refuse(self, error: GenericError) -> None:
        """Say why and end, in the middle of a request."""
        if not self._transport.is_closing():
            self._transport.write(refusal(error))
        self._ended = True
        self._buffer.clear()
        self._searched = 0
        self._wake()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()
