"""The size that an export script predicts of what it will write.

It writes a number and a newline to the file descriptor that ``EXP_SIZE_FD`` names.
Source: ganeti-os-interface(7), ``export``.
"""

import os
from dataclasses import replace
from typing import Final, Self

from pyganeti.kit.process import Command

_VARIABLE: Final = "EXP_SIZE_FD"
# More digits are no size, and need not be kept.
_MOST_DIGITS: Final = 20


class PredictedSize:
    """A pipe for the number. A context manager, which closes it.

    Args:
        default: bytes to take while nothing was said.
    """

    def __init__(self, default: int) -> None:
        self._size = default
        self._said = b""

    def __enter__(self) -> Self:
        self._source, self._sink = os.pipe()
        os.set_blocking(self._source, False)
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._source)
        os.close(self._sink)

    def told(self, command: Command) -> Command:
        """``command`` as it can predict its size."""
        env = {**(command.env or {}), _VARIABLE: str(self._sink)}
        return replace(command, env=env, pass_fds=(*command.pass_fds, self._sink))

    def size(self) -> int:
        """What was predicted by now, in bytes."""
        try:
            self._said += os.read(self._source, _MOST_DIGITS)
        except BlockingIOError:
            return self._size
        line, newline, _rest = self._said.partition(b"\n")
        if newline and line.strip().isdigit():
            self._size = int(line)
        self._said = b"" if newline else self._said[-_MOST_DIGITS:]
        return self._size
