"""Where a daemon of a node listens."""

import fcntl
import ipaddress
import socket
import struct
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import UnknownHost, ip_version, own_hostname, resolve
from pyganeti.model.errors import ConfigurationError

# See netdevice(7).
_SIOCGIFADDR: Final = 0x8915
_IF_INET6: Final = "/proc/net/if_inet6"


def interface_address(paths: Paths, name: str) -> str:
    """The address of an interface, of the version of IP that the cluster uses.

    Raises:
        ConfigurationError: it has none, or does not exist.
    """
    try:
        found = _address6(name) if ip_version(paths) == 6 else _address4(name)
    except OSError as err:
        raise ConfigurationError(f"interface {name!r}: {err.strerror}") from err
    if found is None:
        raise ConfigurationError(f"interface {name!r} has no address")
    return found


def _address4(name: str) -> str:
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)[20:24])


def _address6(name: str) -> str | None:
    """The first that others can reach: not one that is of its link only."""
    for line in (read_bytes(_IF_INET6) or b"").decode("ascii").splitlines():
        digits, _index, _prefix, _scope, _flags, interface = line.split()
        address = ipaddress.IPv6Address(bytes.fromhex(digits))
        if interface == name and not address.is_link_local:
            return str(address)
    return None


def default_address(paths: Paths) -> str:
    """Where to listen: a virtual node on its own address, a real one on all.

    Raises:
        ConfigurationError: a virtual node's name is not in its hosts file.
    """
    if not paths.is_virtual:
        return "::" if ip_version(paths) == 6 else "0.0.0.0"  # noqa: S104
    try:
        return resolve(paths, own_hostname(paths))[1]
    except UnknownHost as err:
        raise ConfigurationError(f"own address of {paths.hostname}: {err}") from err
