"""A program that talks with somebody on a terminal."""

import os
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence


class Dialog:
    """A command on a terminal, with somebody who reads and types."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._terminal, inner = os.openpty()
        # ssh asks on the controlling terminal, whatever its standard streams are.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *argv],
            env=dict(env), cwd="/", stdin=inner, stdout=inner, stderr=inner,
        )  # fmt: skip
        os.close(inner)
        self.said = ""
        self._seen = 0

    def expect(self, pattern: str, *, answer: str, timeout_s: float = 30) -> None:
        """Wait until ``pattern`` is said, after what was answered before, and type ``answer``."""
        end = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.said[self._seen :], re.DOTALL)) is None:
            more = self._read(end)
            assert more, f"waited in vain for {pattern!r}, it said: {self.said}"
        self._seen += found.end()
        os.write(self._terminal, f"{answer}\n".encode())

    def finish(self, timeout_s: float = 60) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + timeout_s
        while self._read(end):
            pass
        os.close(self._terminal)
        return self._process.wait(max(end - time.monotonic(), 1))

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            more = os.read(self._terminal, 65536)
        except OSError:
            # The last process that had the terminal open has ended.
            return False
        self.said += more.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(more)
