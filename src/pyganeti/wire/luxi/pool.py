"""The LUXI client of programs on an event loop: many calls at once, a connection for each.

    method, arguments -> idle connection, or a new one -> response -> result, or the master's error

A connection carries one request at a time; it is kept for the next one. Errors are those of the
blocking client. Source: Ganeti's LUXI protocol and its timeouts.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from pyganeti.model.errors import LuxiError, NoMasterError
from pyganeti.model.versions import LUXI_VERSION

from .client import CONNECT_TIMEOUT_S, RW_TIMEOUT_S, LuxiClosed, LuxiPermissionError, LuxiTimeout
from .framing import EOM, MAX_MESSAGE, request, result_of

# Kept between calls; more come and go with a burst.
_MOST_IDLE: Final = 16
# Between two tries while the server's backlog is full.
_RETRY_S: Final = 0.1


class _Connection:
    """A connection; used by one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def is_open(self) -> bool:
        """Whether the master has not ended it, as far as we know."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        """End it, whatever is under way."""
        self._writer.transport.abort()

    async def ask(self, data: bytes) -> bytes:
        """Send a request and return the answer, without its closing byte.

        Raises:
            OSError, EOFError: the connection broke.
            LuxiError: the answer is longer than any of ours.
        """
        self._writer.write(data)
        await self._writer.drain()
        try:
            answer = await self._reader.readuntil(EOM)
        except asyncio.LimitOverrunError as err:
            raise LuxiError(f"message longer than {MAX_MESSAGE} bytes") from err
        return answer[:-1]


class LuxiPool:
    """Calls to the master daemon.

    Args:
        address: path of the unix socket.
        most: calls at once; further ones wait for their turn.
        connect_timeout_s: how long a full backlog is waited for.
        rw_timeout_s: how long an answer may take.
    """

    def __init__(
        self,
        address: str,
        most: int,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        rw_timeout_s: float = RW_TIMEOUT_S,
    ) -> None:
        self._address = address
        self._connect_timeout_s = connect_timeout_s
        self._rw_timeout_s = rw_timeout_s
        self._turn = asyncio.Semaphore(most)
        self._idle: list[_Connection] = []

    def close(self) -> None:
        """End the connections that nobody uses."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # Any: the result's type depends on the method.
    async def call(self, method: str, args: list[object]) -> Any:
        """Call ``method`` and return its result.

        A call that is cancelled ends its connection; the master then gives up a question, and
        finishes what changes something.

        Raises:
            NoMasterError: nothing listens; argument: the socket's path.
            LuxiPermissionError: the socket is closed to this user.
            LuxiTimeout: no answer in time; the call may have been done.
            LuxiClosed: the master ended the connection; the call may have been done.
            LuxiError: the connection broke or the answer was malformed.
            GenericError: what the master answered.
        """
        data = msgspec.json.encode(request(method, args, LUXI_VERSION)) + EOM
        async with self._turn, self._connection() as connection:
            try:
                async with asyncio.timeout(self._rw_timeout_s):
                    document = await connection.ask(data)
            except TimeoutError as err:
                raise LuxiTimeout(f"no answer to {method} within {self._rw_timeout_s:g} s") from err
            except (EOFError, ConnectionError) as err:
                raise LuxiClosed(f"connection closed before the answer to {method}") from err
            except OSError as err:
                raise LuxiError(f"connection lost during {method}: {err.strerror or err}") from err
        try:
            message = msgspec.json.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise LuxiError(f"not JSON: {document[:80]!r}") from err
        return result_of(message, LUXI_VERSION)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        """A connection for one call, kept afterwards unless something went wrong."""
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop().close()
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            yield connection
        except BaseException:
            # An answer may still come in, which must not be taken for that of the next call.
            connection.close()
            raise
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                while True:
                    try:
                        return await self._open()
                    except BlockingIOError:
                        await asyncio.sleep(_RETRY_S)
        except TimeoutError as err:
            raise LuxiTimeout(f"cannot connect to {self._address} in time") from err
        except OSError as err:
            raise _explained(err, self._address) from err

    async def _open(self) -> _Connection:
        return _Connection(*await asyncio.open_unix_connection(self._address, limit=MAX_MESSAGE))


def _explained(err: OSError, address: str) -> LuxiError:
    if err.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return NoMasterError(address)
    if err.errno in (errno.EACCES, errno.EPERM):
        return LuxiPermissionError(address)
    return LuxiError(f"cannot connect to {address}: {err.strerror or err}")
