"""Ports for what tests start, and for peers that do not listen."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Final

# Below the ports that the kernel gives to connections, any of which may come between a test's
# look at a port and its use. Tests run in several processes: each begins at a place of its own.
_FIRST: Final = 20_000
_COUNT: Final = 12_000
_APART: Final = 1009
_next: Final[Iterator[int]] = count(os.getpid() * _APART)


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens; another one at each call."""
    while True:
        port = _FIRST + next(_next) % _COUNT
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
