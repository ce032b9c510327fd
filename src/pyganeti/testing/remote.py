"""Another cluster, as a simulated node sees it: it takes what is sent, and sends what it has."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Final

from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.remote import RemoteDisk

_PORTS: Final = 40000


class SimStream:
    """One connection.

    Attributes:
        sent: what this side has sent.
        coming: gives what the other side sends; ``None`` before it knows what.
        state: ``open``, ``ended`` (this side said that was all), ``closed`` or ``broken``.
        breaks_after: the other side breaks off when it has got so many bytes.
    """

    def __init__(
        self, coming: Callable[[], bytes | None] = bytes, breaks_after: int | None = None
    ) -> None:
        self.sent = b""
        self.coming = coming
        self.breaks_after = breaks_after
        self.state = "open"

    async def read(self) -> bytes:
        """What comes next."""
        await asyncio.sleep(0)
        if self.breaks_after is not None:
            raise ConnectionResetError("broken off")
        piece = self.coming()
        while piece is None:  # the client has not told the other cluster yet
            await asyncio.sleep(1.0)
            piece = self.coming()
        self.coming = bytes
        return piece

    async def write(self, data: bytes) -> None:
        """Take ``data``."""
        await asyncio.sleep(0)
        self.sent += data
        if self.breaks_after is not None and len(self.sent) >= self.breaks_after:
            raise ConnectionResetError("broken off")

    async def end(self) -> None:
        """This side says that was all."""
        self.state = "ended"

    async def ended(self) -> None:
        """The other side has taken all."""
        if self.breaks_after is not None:
            raise ConnectionResetError("broken off")

    def close(self) -> None:
        """This side closes it."""
        self.state = "closed" if self.state == "ended" else "broken"

    def abort(self) -> None:
        """This side breaks off."""
        self.state = "broken"


class SimListener:
    """Waits for a disk, which is there at once or never."""

    def __init__(self, port: int, stream: SimStream | None) -> None:
        self.port = port
        self.open = True
        self._stream = stream

    async def accept(self) -> SimStream:
        """The connection on which the disk comes."""
        if self._stream is None:
            await asyncio.Event().wait()
            raise OpExecError("nobody came")
        return self._stream

    async def close(self) -> None:
        """Nobody is waited for any more."""
        self.open = False


class SimLinks:
    """Other clusters.

    Attributes:
        streams: all connections there were, in order.
        listeners: all that was waited on, in order.
        sends: what the other cluster sends of each disk; of others nothing comes.
        magics: gives the words that come first, once the client has told them.
        breaks_after: see :class:`SimStream`.
        silent: no other cluster answers.
    """

    def __init__(self) -> None:
        self.streams: list[SimStream] = []
        self.listeners: list[SimListener] = []
        self.sends: list[bytes] = []
        self.magics: Callable[[], list[str]] = list
        self.breaks_after: int | None = None
        self.silent = False

    async def connect(self, target: RemoteDisk, context: ssl.SSLContext) -> SimStream:
        """See :class:`~pyganeti.node.remote_links.Links`."""
        if self.silent:
            raise OpExecError(f"no connection to {target.host}:{target.port}")
        self.streams.append(SimStream(breaks_after=self.breaks_after))
        return self.streams[-1]

    async def listen(self, host: str, context: ssl.SSLContext) -> SimListener:
        """See :class:`~pyganeti.node.remote_links.Links`."""
        number = sum(listener.open for listener in self.listeners)
        stream = None
        if number < len(self.sends) and not self.silent:
            stream = SimStream(partial(self._sent, number), self.breaks_after)
            self.streams.append(stream)
        self.listeners.append(SimListener(_PORTS + len(self.listeners), stream))
        return self.listeners[-1]

    def _sent(self, number: int) -> bytes | None:
        magics = self.magics()
        if not magics:
            return None
        return b"M=" + magics[number].encode("ascii") + self.sends[number]
