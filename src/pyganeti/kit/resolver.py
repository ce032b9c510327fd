"""Names to addresses and back.

A real node asks the system; a virtual one reads the hosts file below its own root and nothing else,
so that a virtual cluster needs no entry outside its directory.
Standard library only: commands use it.
"""

import socket

from .paths import Paths


class UnknownHost(Exception):
    """The name has no address."""


def read_hosts(path: str) -> list[tuple[str, list[str]]]:
    """Lines of a hosts file as ``(address, [name, alias, ...])``; comments are dropped."""
    try:
        with open(path, encoding="utf-8") as handle:
            lines = [line.split("#", 1)[0].split() for line in handle]
    except FileNotFoundError:
        return []
    return [(words[0], words[1:]) for words in lines if len(words) > 1]


def resolve(paths: Paths, name: str, *, family: int = socket.AF_UNSPEC) -> tuple[str, str]:
    """Full name and first address of ``name``.

    Raises:
        UnknownHost: with the system's text.
    """
    if paths.is_virtual:
        for address, names in read_hosts(paths.etc_hosts):
            if name == address or name in names:
                return names[0], address
        raise UnknownHost(f"not in {paths.etc_hosts}")
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    except (OSError, UnicodeError) as err:
        text = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
        raise UnknownHost(text) from err
    canonical = found[0][3] or name
    return canonical, str(found[0][4][0])


def own_hostname(paths: Paths) -> str:
    """Full name of this node."""
    if paths.is_virtual:
        return paths.hostname
    name = socket.gethostname()
    try:
        return resolve(paths, name)[0]
    except UnknownHost:
        return name
