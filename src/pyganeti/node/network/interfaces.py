"""Interfaces by name."""

import socket


def interface_number(name: str) -> int | None:
    """The kernel's number of an interface, if it exists."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None
