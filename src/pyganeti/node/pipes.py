"""Programs that write or read more than fits into memory: piece by piece, through a pipe.

    program -> pipe -> take(piece) ...
    give() -> pieces -> pipe -> program

Used for the dumps of OS scripts and for compression.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from pyganeti.kit.process import Command, Runner
from pyganeti.kit.together import together
from pyganeti.model.errors import OpExecError

PIECE: Final = 1 << 20
"""How many bytes are handed on at a time."""
# What a program left in the pipe when it ended is read at once. Whatever still holds the other end
# after this long was started by it and may hold it for ever.
_GRACE_S: Final = 60.0

Take = Callable[[bytes], Awaitable[None]]
Give = Callable[[], Awaitable[bytes]]


async def take_output(runner: Runner, command: Command, take: Take) -> None:
    """Run ``command`` and hand on all that it writes to standard output.

    Pieces are of :data:`PIECE` bytes, but the last. What ``take`` raises ends the program.

    Raises:
        ProcessError: as ``runner``.
        OpExecError: it has ended, and something that it started still holds its output.
    """
    await _take(runner, command, take, lambda sink: replace(command, stdout_fd=sink))


async def take_errors(runner: Runner, command: Command, take: Take) -> None:
    """As :func:`take_output`, of standard error."""
    await _take(runner, command, take, lambda sink: replace(command, stderr_fd=sink))


async def _take(
    runner: Runner, command: Command, take: Take, redirected: Callable[[int], Command]
) -> None:
    source, sink = os.pipe()
    pieces = _Pieces(take)

    async def run() -> None:
        try:
            await runner(redirected(sink))
        finally:
            os.close(sink)
        await pieces.rest(command)

    # The copy first: it opens its end of the pipe before the program can fail.
    await together(pieces.read(source), run())


async def give_input(runner: Runner, command: Command, give: Give) -> None:
    """Run ``command`` with what ``give`` returns on its standard input, until that is nothing.

    A program need not read all of it: archivers stop at their end mark. ``give`` is asked to its
    end nevertheless. What it raises ends the program.

    Raises:
        ProcessError: as ``runner``.
    """
    source, sink = os.pipe()

    async def run() -> None:
        try:
            await runner(replace(command, stdin_fd=source))
        finally:
            os.close(source)

    await together(_write(sink, give), run())


async def filtered(runner: Runner, command: Command, data: bytes) -> bytes:
    """What ``command`` makes of ``data``.

    Raises:
        ProcessError: as ``runner``.
    """
    found = bytearray()

    async def take(piece: bytes) -> None:
        found.extend(piece)

    await take_output(runner, replace(command, stdin=data), take)
    return bytes(found)


class _Pieces:
    """What comes out of a pipe, cut into pieces."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._count = 0
        self._waits = False
        self._ended = asyncio.Event()

    async def read(self, source: int) -> None:
        """Hand on all that comes until the other end is closed by everybody."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", 0)
        )
        try:
            while piece := await self._piece(reader):
                await self._take(piece)
        finally:
            transport.close()
        self._ended.set()

    async def _piece(self, reader: asyncio.StreamReader) -> bytes:
        piece = bytearray()
        while len(piece) < PIECE:
            self._waits = True
            data = await reader.read(PIECE - len(piece))
            self._waits = False
            if not data:
                break
            self._count += len(data)
            piece += data
        return bytes(piece)

    async def rest(self, command: Command) -> None:
        """Wait for the end of what a program wrote that has ended.

        Raises:
            OpExecError: nothing comes, and the other end is still held.
        """
        while not self._ended.is_set():
            before = self._count
            try:
                async with asyncio.timeout(_GRACE_S):
                    await self._ended.wait()
            except TimeoutError as err:
                if self._waits and self._count == before:
                    text = f"{command.argv[0]} has ended, but what it started holds its output"
                    raise OpExecError(text) from err


class _Writable(asyncio.BaseProtocol):
    """Knows whether a pipe takes more, and whether anybody reads it."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.lost = asyncio.Event()

    def pause_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self.ready.clear()

    def resume_writing(self) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self.ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.BaseProtocol`."""
        self.lost.set()
        self.ready.set()


async def _write(sink: int, give: Give) -> None:
    transport, state = await asyncio.get_running_loop().connect_write_pipe(
        _Writable, os.fdopen(sink, "wb", 0)
    )
    try:
        while piece := await give():
            if not state.lost.is_set():
                transport.write(piece)
                await state.ready.wait()
        transport.close()
        await state.lost.wait()
    finally:
        if not state.lost.is_set():
            transport.abort()
