"""Names to addresses and back.

A real node asks the system; a virtual one reads the hosts file below its own root and nothing else,
so that a virtual cluster needs no entry outside its directory.
Standard library only: commands use it.
"""

import ipaddress
import socket
from typing import Final

from .files import read_bytes
from .paths import Paths

FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
# In files it is the number that Linux has for it.
_INET6: Final = b"10"


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


def resolve(paths: Paths, name: str, *, version: int | None = None) -> tuple[str, str]:
    """Full name and first address of ``name``, of any version of IP or of one.

    Raises:
        UnknownHost: with the system's text.
    """
    if paths.is_virtual:
        for address, names in read_hosts(paths.etc_hosts):
            if (name == address or name in names) and _is_of(address, version):
                return names[0], address
        raise UnknownHost(f"{_kind(version)} for it in {paths.etc_hosts}")
    family = socket.AF_UNSPEC if version is None else FAMILIES[version]
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    except (OSError, UnicodeError) as err:
        text = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
        raise UnknownHost(text) from err
    canonical = found[0][3] or name
    return canonical, str(found[0][4][0])


def _is_of(address: str, version: int | None) -> bool:
    return version is None or ipaddress.ip_address(address).version == version


def _kind(version: int | None) -> str:
    return "no address" if version is None else f"no IPv{version} address"


def ip_version(paths: Paths) -> int:
    """The version of IP that the cluster of this node uses; 4 as long as there is none."""
    family = (read_bytes(paths.ssconf("primary_ip_family")) or b"").strip()
    return 6 if family == _INET6 else 4


def own_hostname(paths: Paths) -> str:
    """Full name of this node."""
    if paths.is_virtual:
        return paths.hostname
    name = socket.gethostname()
    try:
        return resolve(paths, name)[0]
    except UnknownHost:
        return name
