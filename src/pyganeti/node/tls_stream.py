"""TLS over a connection, with an end that is either said or an error.

asyncio's own tells a peer that has sent all from one that was killed in neither case: here what was
cut off is never taken for a whole.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from pyganeti.model.errors import OpExecError

T = TypeVar("T")

_CHUNK: Final = 1 << 18
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class TlsStream:
    """One end of a connection.

    Args:
        reader: what comes.
        writer: what goes.
        context: keys, and whom to believe.
        server: whether the other end called.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        *,
        server: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server)
        _keep_alive(writer)

    async def handshake(self) -> None:
        """Agree with the other end.

        Raises:
            OSError: it is another, or went away (``ssl.SSLError``).
        """
        await self._do(self._tls.do_handshake)

    async def read(self) -> bytes:
        """What comes next; nothing when the other end has said that this is all.

        Raises:
            OSError: it broke off.
        """
        try:
            return await self._do(lambda: self._tls.read(_CHUNK))
        except ssl.SSLZeroReturnError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send ``data``.

        Raises:
            OSError: the other end is gone.
        """
        view = memoryview(data)
        while view:
            piece = view[:_CHUNK]
            view = view[await self._do(partial(self._tls.write, piece)) :]

    async def end(self) -> None:
        """Say that this was all, and close what goes.

        Raises:
            OSError: the other end is gone.
        """
        # What is to be sent is in the buffer then; the answer is another's affair.
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            self._tls.unwrap()
        await self._send()

    async def ended(self) -> None:
        """Wait until the other end has said that it has taken all.

        Raises:
            OSError: it broke off.
        """
        try:
            await self._do(self._tls.unwrap)
        except ssl.SSLZeroReturnError:
            return

    def close(self) -> None:
        """Close the connection as it is."""
        self._writer.close()

    def abort(self) -> None:
        """Break off, so that the other end notices."""
        found = self._writer.get_extra_info("socket")
        # Of a connection that is lost already there is nothing to break off.
        if found is not None and found.fileno() >= 0:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._writer.transport.abort()

    async def _do(self, action: Callable[[], T]) -> T:
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                await self._send()
                data = await self._reader.read(_CHUNK)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
                continue
            except ssl.SSLError:
                await self._send_last()
                raise
            await self._send()
            return result

    async def _send(self) -> None:
        if data := self._out.read():
            self._writer.write(data)
        await self._writer.drain()

    async def _send_last(self) -> None:
        """Send what the library says of an error, if that can still be sent."""
        try:
            await self._send()
        except OSError:
            return


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let a machine that went away be noticed, as Ganeti's socat does."""
    found = writer.get_extra_info("socket")
    if found is None:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5)


def broken(what: str, err: OSError) -> OpExecError:
    """The error of a connection, in words and without what OpenSSL says of its source."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return OpExecError(f"{what}: the other end has another certificate than was announced")
    if isinstance(err, ssl.SSLEOFError | ConnectionError | asyncio.IncompleteReadError):
        return OpExecError(f"{what}: the other end broke off")
    return OpExecError(f"{what}: {err.strerror or getattr(err, 'reason', None) or err}")
