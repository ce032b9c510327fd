"""Compression of what nodes send each other.

Each piece is compressed by itself, so that it can be sent again. The names are those of the
cluster's ``compression_tools``: ``gzip`` in three strengths, and programs that are used like it.
"""

from dataclasses import replace
from typing import Final

from pyganeti.kit.process import Command, Runner
from pyganeti.model.errors import OpExecError

from .pipes import filtered

NONE: Final = "none"
_GZIP: Final = {
    "gzip": ("gzip",),
    "gzip-fast": ("gzip", "--fast"),
    "gzip-slow": ("gzip", "--best"),
}
_TIMEOUT_S: Final = 300.0
_STREAM_TIMEOUT_S: Final = 86400.0


async def pack(tool: str, data: bytes, runner: Runner) -> bytes:
    """``data`` compressed.

    Raises:
        ProcessError: the program is missing or fails.
    """
    return data if tool == NONE else await filtered(runner, _command(tool), data)


async def unpack(tool: str, data: bytes, runner: Runner) -> bytes:
    """The reverse of :func:`pack`; raises as it."""
    return data if tool == NONE else await filtered(runner, _command(tool, "-d"), data)


def packing_command(tool: str, *, unpack: bool = False) -> Command:
    """The program that compresses a stream, however long it takes; or the reverse."""
    return replace(
        _command(tool, "-d") if unpack else _command(tool, "-c"), timeout_s=_STREAM_TIMEOUT_S
    )


def _command(tool: str, *words: str) -> Command:
    if tool.startswith("-") or "/" in tool:
        raise OpExecError(f"{tool!r} is no compression program")
    program = _GZIP.get(tool, (tool,))
    return Command((*(program[:1] if words else program), *words), timeout_s=_TIMEOUT_S)
