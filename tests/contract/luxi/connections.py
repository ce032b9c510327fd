"""Connections that are used byte by byte."""

import asyncio
import socket
from pathlib import Path
from typing import Final

KIB: Final = 1024
# One read of a loop, and what the kernel keeps of a connection in each direction.
SLACK: Final = 1024 * KIB


def connected(path: Path) -> socket.socket:
    """A client that does not wait for anything."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(path))
    made.setblocking(False)
    return made


def drained(sock: socket.socket) -> int:
    """Read to the end, which is there already; how many bytes there were."""
    taken = 0
    while part := sock.recv(64 * KIB):
        taken += len(part)
    return taken


async def push(sock: socket.socket, data: bytes, most: int) -> int:
    """Send ``data`` again and again until nothing more is taken; how many bytes were."""
    sent, refused = 0, 0
    while refused < 20 and sent < most:
        try:
            sent += sock.send(data)
            refused = 0
        except BlockingIOError:
            refused += 1
            await asyncio.sleep(0.005)
    return sent
