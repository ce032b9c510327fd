"""Connections by which disks go to another cluster and come from there.

    Links.connect -> TlsStream          Links.listen -> ports -> Links.accept -> TlsStream ...

Source: docs/design/0022-between-clusters.md.
"""

import asyncio
import ssl
from typing import Final, Protocol

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.remote import RemoteDisk

from .tls_stream import TlsStream, broken

_ATTEMPTS: Final = 11
_ATTEMPT_S: Final = 20.0
_PAUSE_S: Final = 1.0


class Stream(Protocol):
    """One end of a connection: see :class:`~pyganeti.node.tls_stream.TlsStream`."""

    async def read(self) -> bytes:
        """What comes next; nothing when that was all."""
        ...

    async def write(self, data: bytes) -> None:
        """Send ``data``."""
        ...

    async def end(self) -> None:
        """Say that this was all."""
        ...

    async def ended(self) -> None:
        """Wait until the other end has said so."""
        ...

    def close(self) -> None:
        """Close it as it is."""
        ...

    def abort(self) -> None:
        """Break off."""
        ...


class Listener(Protocol):
    """Waits for the one connection of a disk."""

    @property
    def port(self) -> int:
        """Where."""
        ...

    async def accept(self) -> Stream:
        """The first caller that has the right key."""
        ...

    async def close(self) -> None:
        """Let nobody call any more."""
        ...


class Links(Protocol):
    """Makes connections to other clusters."""

    async def connect(self, target: RemoteDisk, context: ssl.SSLContext) -> Stream:
        """Call the other end.

        Raises:
            OpExecError: it is not there, or is another.
        """
        ...

    async def listen(self, host: str, context: ssl.SSLContext) -> Listener:
        """Wait for a call at a free port of ``host``."""
        ...


class TlsListener:
    """See :class:`Listener`. Whoever has not the right key is sent away, and others may call."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._found: asyncio.Future[TlsStream] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    async def open(self, host: str) -> "TlsListener":
        """Begin to listen."""
        self._server = await asyncio.start_server(self._called, host, 0, backlog=5)
        return self

    @property
    def port(self) -> int:
        """See :class:`Listener`."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = TlsStream(reader, writer, self._context, server=True)
        try:
            async with asyncio.timeout(_ATTEMPT_S):
                await stream.handshake()
        except OSError:
            stream.abort()
            return
        if self._found.done():
            stream.abort()
        else:
            self._found.set_result(stream)

    async def accept(self) -> TlsStream:
        """See :class:`Listener`."""
        return await asyncio.shield(self._found)

    async def close(self) -> None:
        """See :class:`Listener`; a caller that nobody has accepted is sent away."""
        if self._server is not None:
            self._server.close()
        self._found.cancel()


class TlsLinks:
    """See :class:`Links`.

    Args:
        clock: for pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def connect(self, target: RemoteDisk, context: ssl.SSLContext) -> Stream:
        """See :class:`Links`; what does not answer is called again for a while."""
        what = f"no connection to {target.host}:{target.port}"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._connect(target, context)
            except ssl.SSLCertVerificationError as err:
                raise broken(what, err) from err
            except OSError as err:
                if attempt == _ATTEMPTS:
                    raise _lasting(what, err) from err
            await self._clock.sleep(_PAUSE_S)
        raise OpExecError(what)

    async def _connect(self, target: RemoteDisk, context: ssl.SSLContext) -> TlsStream:
        async with asyncio.timeout(_ATTEMPT_S):
            reader, writer = await asyncio.open_connection(target.host, target.port)
            stream = TlsStream(reader, writer, context, server=False)
            try:
                await stream.handshake()
            except BaseException:
                stream.abort()
                raise
            return stream

    async def listen(self, host: str, context: ssl.SSLContext) -> Listener:
        """See :class:`Links`."""
        return await TlsListener(context).open(host)


def _lasting(what: str, err: OSError) -> OpExecError:
    if isinstance(err, TimeoutError):
        return OpExecError(f"{what}: no answer in {_ATTEMPT_S:g} s, {_ATTEMPTS} times")
    return broken(what, err)
