"""Unix sockets at which a program on the master tells a job to go on.

Used by the test opcodes: the job says the socket's path in its log, waits until somebody connects,
and maybe until that one has gone again. A socket is there only while it is waited at.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from glob import escape, glob
from typing import Final

# Short: a directory in which the master's own socket has room must do for these.
_PREFIX: Final = "job"
_MODE: Final = 0o660


class Doorbell:
    """One socket.

    Attributes:
        path: where it is.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._rung = asyncio.Event()
        self._gone = asyncio.Event()
        self._callers: set[asyncio.Task[None]] = set()

    async def rung(self) -> None:
        """Wait until somebody connects, or has connected."""
        await self._rung.wait()

    async def hung_up(self) -> None:
        """Wait until the first who connected has said something or closed the connection."""
        await self._gone.wait()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody is at the door."""
        task = asyncio.current_task()
        if task is not None:
            self._callers.add(task)
            task.add_done_callback(self._callers.discard)
        self._rung.set()
        try:
            with suppress(ConnectionError):
                await reader.read(1)
            self._gone.set()
        finally:
            writer.close()

    async def take_down(self) -> None:
        """Close all connections."""
        for task in self._callers:
            task.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)


class Doorbells:
    """All of one master.

    Args:
        directory: where the sockets lie.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._count = 0

    def clear(self) -> None:
        """Remove what a master left that was killed."""
        for path in glob(f"{escape(self._directory)}/{_PREFIX}[0-9]*"):
            os.unlink(path)

    @asynccontextmanager
    async def hang(self) -> AsyncIterator[Doorbell]:
        """A doorbell that is there meanwhile.

        Raises:
            OSError: the socket cannot be made.
        """
        self._count += 1
        bell = Doorbell(f"{self._directory}/{_PREFIX}{self._count}")
        server = await asyncio.start_unix_server(bell.answer, bell.path)
        try:
            os.chmod(bell.path, _MODE)
            yield bell
        finally:
            server.close()
            await bell.take_down()
            with suppress(FileNotFoundError):
                os.unlink(bell.path)
