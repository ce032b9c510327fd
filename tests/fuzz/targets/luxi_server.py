"""Bytes on the master's socket: every document is answered, and the next client is, too."""

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.model.errors import ERRORS
from pyganeti.wire.luxi.limits import Limits
from pyganeti.wire.luxi.message import EOM
from pyganeti.wire.luxi.server import LuxiServer

from .checks import Unexpected, compact

_LIMITS: Final = Limits(request=16 * 1024, large_requests=64 * 1024, discarded=40 * 1024)
_PATIENCE_S: Final = 20.0


class LuxiStream:
    """See the module. The input is what a client sends before it ends its direction."""

    name = "luxi-stream"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._directory = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._path = os.path.join(self._directory.name, "s")
        self._server = LuxiServer(self._echo, self._path, limits=_LIMITS)
        self._loop.run_until_complete(self._server.start())

    async def _echo(self, method: str, args: list[Any]) -> Any:
        """Any: JSON."""
        return [method, args]

    def seeds(self) -> Sequence[bytes]:
        """Requests, one and several, whole and in pieces."""
        one = compact({"method": "QueryTags", "args": ["node", "node1"], "version": 3010000}) + EOM
        ops = [{"OP_ID": "OP_TEST_DELAY", "duration": 1.5}]
        two = compact({"method": "SubmitJob", "args": [ops]}) + EOM
        large = compact({"method": "x", "args": ["y" * 30_000]}) + EOM
        return [one, two, one + two, one * 50, one + large + two, one[:-1], b"", EOM, large[:-1]]

    def close(self) -> None:
        """End the server."""
        self._loop.run_until_complete(self._server.stop())
        self._loop.close()
        self._directory.cleanup()

    def run(self, data: bytes) -> str:
        """Send it, and read what comes until the end."""
        said = self._loop.run_until_complete(self._answer(data))
        answers = said.split(EOM)
        if answers.pop():
            raise Unexpected(f"an answer without end: {said[-100:]!r}")
        kinds = [_check(json.loads(answer)) for answer in answers]
        # One that is too long and has no end is told all the same.
        if not data.count(EOM) <= len(kinds) <= data.count(EOM) + 1 and len(data) < 40 * 1024:
            raise Unexpected(f"{data.count(EOM)} documents, {len(kinds)} answers")
        return " ".join(kinds[:3])

    async def _answer(self, data: bytes) -> bytes:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(self._path)
            try:
                size = 1 + sum(data[:8]) * 7
                for begin in range(0, len(data), size):
                    writer.write(data[begin : begin + size])
                    await asyncio.sleep(0)
                writer.write_eof()
                said = await reader.read()
            except (BrokenPipeError, ConnectionResetError):
                if len(data) < _LIMITS.discarded:
                    raise
                return b""
            finally:
                writer.close()
        return said


def _check(answer: Any) -> str:
    """How a document was answered. Any: JSON."""
    if answer.keys() != {"success", "result", "version"}:
        raise Unexpected(f"not an answer: {answer}")
    if answer["success"]:
        return "echo"
    name, args = answer["result"]
    if name not in ERRORS or not isinstance(args, list) or "internal" in args[0]:
        raise Unexpected(f"not an error: {answer}")
    return str(args[0][:40])
