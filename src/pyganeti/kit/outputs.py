"""What a contained program writes: taken as it comes, up to a limit. Used by :mod:`.process`.

The pipes are ours and not the event loop's, which would wait for whoever else holds their other
ends: a program that leaves something behind in the background has ended nevertheless.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

OUTPUT_LIMIT: Final = 16 << 20
"""Bytes that a contained program may write to a stream that is kept."""
_PIECE: Final = 1 << 16


class _Stream:
    """One pipe; ``overflow`` is called when more comes than is kept."""

    def __init__(self, take: Callable[[bytes], object], overflow: Callable[[], None]) -> None:
        self._source, self.sink = os.pipe()
        os.set_blocking(self._source, False)
        self._take = take
        self._overflow = overflow
        self._left = OUTPUT_LIMIT
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._source, self._read)

    def _read(self) -> bool:
        """Take what is there; whether more may be."""
        try:
            piece = os.read(self._source, _PIECE)
        except BlockingIOError:
            return False
        # A full disk costs the end of a log, not the work that is logged.
        with suppress(OSError):
            self._take(piece[: self._left])
        self._left -= len(piece)
        if self._left < 0:
            self._overflow()
        if self._left < 0 or not piece:
            self._loop.remove_reader(self._source)
            return False
        return True

    def close(self) -> None:
        """Take what is left and go: whoever still writes gets an error."""
        while self._left >= 0 and self._read():
            pass
        self._loop.remove_reader(self._source)
        os.close(self._source)


class Outputs:
    """Standard output and error of one program, while it runs and after.

    Args:
        log: open file descriptor that gets both in the order in which they come; without it they
            are kept apart, and in memory.
        stdout: open file descriptor for standard output, which is then not looked at.
        overflow: called when too much comes.

    Attributes:
        out: what came on standard output, if it is kept in memory.
        err: the same of standard error.
        overflowed: more came than is kept.
    """

    def __init__(self, log: int | None, stdout: int | None, overflow: Callable[[], None]) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.overflowed = False
        self._overflow = overflow
        self._streams: list[_Stream] = []
        self._ours: list[int] = []
        if log is None:
            self.stderr = self._pipe(self.err.extend)
            self.stdout = self._pipe(self.out.extend) if stdout is None else stdout
        else:
            self.stderr = self._pipe(lambda piece: os.write(log, piece))
            self.stdout = self.stderr if stdout is None else stdout

    def _pipe(self, take: Callable[[bytes], object]) -> int:
        stream = _Stream(take, self._too_much)
        self._streams.append(stream)
        self._ours.append(stream.sink)
        return stream.sink

    def _too_much(self) -> None:
        self.overflowed = True
        self._overflow()

    def started(self) -> None:
        """The program has its ends of the pipes: ours are closed."""
        while self._ours:
            os.close(self._ours.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.started()
        for stream in self._streams:
            stream.close()
