"""One disk on its way to another cluster, or from there.

    script ── magic + data ── compress ── stream        stream ── decompress ── magic? ── script

The word comes before the data and is compressed with it, as Ganeti's import-export does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from pyganeti.kit.process import Command, Finished, Runner
from pyganeti.kit.together import together
from pyganeti.model.errors import OpExecError

from .packing import NONE, packing_command
from .pipes import Give, Take, give_input, take_output
from .remote_links import Stream

_MARK: Final = b"M="


class Sending:
    """A disk that goes.

    Args:
        stream: where to.
        magic: the word that comes first.
        compress: how it travels.
        runner: runs compression programs.
    """

    def __init__(self, stream: Stream, magic: str, compress: str, runner: Runner) -> None:
        self._stream = stream
        self._first = _MARK + magic.encode("ascii")
        self._compress = compress
        self._runner = runner

    async def run(self, produce: Callable[[Take], Awaitable[None]]) -> None:
        """Send what ``produce`` hands on, and wait until the other end has taken it.

        Raises:
            OSError: the other end broke off.
        """
        if self._compress == NONE:
            await self._stream.write(self._first)
            await produce(self._stream.write)
        else:
            await self._run_packed(produce)
        await self._stream.end()
        await self._stream.ended()

    async def _run_packed(self, produce: Callable[[Take], Awaitable[None]]) -> None:
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)

        async def make() -> None:
            await pieces.put(self._first)
            await produce(pieces.put)
            await pieces.put(b"")

        command = packing_command(self._compress)
        packed = piped(self._runner, command, pieces.get, self._stream.write)
        await together(packed, make())


class Receiving:
    """A disk that comes; arguments as of :class:`Sending`.

    Attributes:
        size: bytes of it so far.
    """

    def __init__(self, stream: Stream, magic: str, compress: str, runner: Runner) -> None:
        self._stream = stream
        self._wanted = _MARK + magic.encode("ascii")
        self._compress = compress
        self._runner = runner
        self._begun = False
        self._rest = b""
        self.size = 0

    async def run(self, consume: Callable[[Give], Coroutine[Any, Any, None]]) -> None:
        """Let ``consume`` have all that comes.

        Raises:
            OSError: the other end broke off.
            OpExecError: it is another disk.
        """
        if self._compress == NONE:
            await consume(lambda: self._give(self._stream.read))
        else:
            await self._run_packed(consume)

    async def _run_packed(self, consume: Callable[[Give], Coroutine[Any, Any, None]]) -> None:
        pieces: asyncio.Queue[bytes] = asyncio.Queue(1)

        async def unpack() -> None:
            command = packing_command(self._compress, unpack=True)
            await piped(self._runner, command, self._stream.read, pieces.put)
            await pieces.put(b"")

        await together(unpack(), consume(lambda: self._give(pieces.get)))

    async def _give(self, source: Give) -> bytes:
        """The next piece, without the word."""
        if not self._begun:
            found = b""
            while len(found) < len(self._wanted) and (piece := await source()):
                found += piece
            if not found.startswith(self._wanted):
                raise OpExecError("what came is not this disk: it begins with another word")
            self._begun = True
            self._rest = found[len(self._wanted) :]
        piece, self._rest = self._rest or await source(), b""
        self.size += len(piece)
        return piece


async def piped(runner: Runner, command: Command, give: Give, take: Take) -> None:
    """Run ``command`` from ``give`` to ``take``; raises as these and as ``runner``."""

    async def run(command: Command) -> Finished:
        await take_output(runner, command, take)
        return Finished(0, "", "")

    await give_input(run, command, give)
