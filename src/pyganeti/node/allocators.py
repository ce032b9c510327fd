"""Instance allocators: programs that are told of the cluster, and say where instances go.

    request -> file -> PROGRAM [options] FILE -> standard output

Source: Ganeti's allocator protocol; docs/design/0011-allocators.md.
"""

import os
import tempfile
from collections.abc import Sequence
from typing import Final

from pyganeti.kit.process import Command, Finished, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError

from .pipes import take_errors, take_output
from .script_logs import printable

LIMIT_S: Final = 600.0
"""How long an allocator may think. Less than its caller waits."""
MAX_OUTPUT: Final = 16 << 20
# What of its complaints is shown.
_EXCERPT: Final = 2000


class Allocators:
    """The allocators of a node.

    Args:
        search_path: directories, the first one that has a program of the name counts.
        scratch: a directory for requests, on a memory file system.
        limit_s: how long one may run.
    """

    def __init__(self, search_path: Sequence[str], scratch: str, limit_s: float = LIMIT_S) -> None:
        self._search_path = search_path
        self._scratch = scratch
        self._limit_s = limit_s

    async def run(self, name: str, request: str, options: Sequence[str], runner: Runner) -> str:
        """What an allocator prints.

        Raises:
            OpExecError: there is none of that name, it fails, hangs, or prints too much.
        """
        program = self._find(name)
        path = await in_thread(self._write, request)
        try:
            return await _run(
                name, Command((program, *options, path), timeout_s=self._limit_s), runner
            )
        finally:
            await in_thread(os.unlink, path)

    def _find(self, name: str) -> str:
        if not name or "/" in name or name.startswith((".", "-")):
            raise OpExecError(f"{name!r} is no name of an allocator")
        for directory in self._search_path:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        places = ", ".join(self._search_path)
        raise OpExecError(f"there is no allocator {name!r} in {places}")

    def _write(self, request: str) -> str:
        os.makedirs(self._scratch, 0o700, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="iallocator-", dir=self._scratch)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(request)
        return path


async def _run(name: str, command: Command, runner: Runner) -> str:
    output, complaints = bytearray(), bytearray()
    failed: list[ProcessError] = []

    async def take(piece: bytes) -> None:
        output.extend(piece)
        if len(output) > MAX_OUTPUT:
            raise OpExecError(f"allocator {name} prints more than {MAX_OUTPUT >> 20} MiB")

    async def note(piece: bytes) -> None:
        complaints.extend(piece)
        del complaints[:-_EXCERPT]

    async def noted(command: Command) -> Finished:
        try:
            return await runner(command)
        except ProcessError as err:
            # What it said is read to the end before that counts.
            failed.append(err)
            return Finished(1, "", "")

    async def watched(command: Command) -> Finished:
        await take_errors(noted, command, note)
        return Finished(0, "", "")

    await take_output(watched, command, take)
    for err in failed:
        said = printable(bytes(complaints or output[-_EXCERPT:])).strip()
        text = f"allocator {name}: {str(err).removeprefix(f'{command.argv[0]}: ')}"
        raise OpExecError(f"{text}: {said}" if said else text) from err
    return output.decode("utf-8", "replace")
