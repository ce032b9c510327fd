"""The programs of a simulated node: none is run, all that were asked for are remembered."""

import asyncio
import os
from contextlib import suppress

from pyganeti.kit.process import Command, Finished, ProcessError


def append(path: str, text: str) -> None:
    """Write ``text`` to the end of a file, as a program that says it would."""
    with open(path, "a", encoding="utf-8") as handle:
        handle.write(text)


async def _read_all(descriptor: int) -> bytes:
    """What comes through a pipe, which is closed then."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        return await reader.read()
    finally:
        transport.close()


class Programs:
    """A runner under which every program succeeds and says nothing, unless it is told to fail.

    Attributes:
        ran: what was to be run, in order.
        failing: end of a program's path, and what it says before it fails.
        hanging: ends of the paths of programs that do not end before :meth:`release`.
        running: the programs that have not ended, in order.
        writes: end of a program's path, and what it writes to standard output if that is a file.
        says: end of a program's path, and what it says on standard output else.
        fed: what programs read from standard input, in the order in which they ended.
    """

    def __init__(self) -> None:
        self.ran: list[Command] = []
        self.failing: dict[str, str] = {}
        self.hanging: set[str] = set()
        self.running: list[str] = []
        self.writes: dict[str, bytes] = {}
        self.says: dict[str, str] = {}
        self.fed: list[bytes] = []
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let hanging programs end, and no more hang."""
        self.hanging.clear()
        self._released.set()
        self._released = asyncio.Event()

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        self.ran.append(command)
        path = command.argv[0]
        if any(path.endswith(ending) for ending in self.hanging):
            self.running.append(path)
            try:
                await self._released.wait()
            finally:
                self.running.remove(path)
        if command.stdout_fd is not None:
            await self._write(command.stdout_fd, path)
        if command.stdin_fd is not None:
            self.fed.append(await _read_all(os.dup(command.stdin_fd)))
        for ending, text in self.failing.items():
            if path.endswith(ending):
                if command.output is not None:
                    append(command.output, text)
                raise ProcessError(command, "exited with code 1", Finished(1, text, ""))
        said = (text for ending, text in self.says.items() if path.endswith(ending))
        return Finished(0, next(said, ""), "")

    async def _write(self, descriptor: int, path: str) -> None:
        data = b"".join(text for ending, text in self.writes.items() if path.endswith(ending))
        os.set_blocking(descriptor, False)
        while data:
            # Whoever reads lives in the same loop.
            await asyncio.sleep(0)
            with suppress(BlockingIOError):
                data = data[os.write(descriptor, data) :]

    def paths(self) -> list[str]:
        """The programs that were to be run, in order."""
        return [command.argv[0] for command in self.ran]
