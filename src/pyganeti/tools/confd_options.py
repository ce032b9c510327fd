"""What the programs that ask confd have in common: options, the key, whom to ask."""

import argparse
import os
import socket
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import UnknownHost, own_hostname, resolve
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.wire.confd.client import DEFAULT_PORT, DEFAULT_TIMEOUT_S, ConfdClient
from pyganeti.wire.confd.datagram import ConfdError

_LOOPBACK: Final = "127.0.0.1"


def confd_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Parser for the program ``name``."""
    parser = argparse.ArgumentParser(prog=name, description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{name} (ganeti) {RELEASE_VERSION}")
    parser.add_argument("--hmac", metavar="KEY", help="the key, instead of this node's")
    parser.add_argument("-a", "--address", help="address to ask (default: this node's own)")
    parser.add_argument("-p", "--port", type=int, help="port to ask at (default: confd's)")
    parser.add_argument(
        "--timeout",
        type=float,
        default=DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help=f"how long to wait (default: {DEFAULT_TIMEOUT_S:g})",
    )
    return parser


def client_of(options: argparse.Namespace) -> ConfdClient:
    """The client that the options describe.

    Raises:
        ConfdError: there is no key.
        OSError: the key cannot be read.
    """
    paths = Paths.from_env()
    key = read_bytes(paths.hmac_key) if options.hmac is None else os.fsencode(options.hmac)
    if not key:
        raise ConfdError(f"no key in {paths.hmac_key}: give one with --hmac")
    return ConfdClient(key, [options.address or _own_address(paths)], options.port or _port())


def _own_address(paths: Paths) -> str:
    if not paths.is_virtual:
        return _LOOPBACK
    try:
        return resolve(paths, own_hostname(paths))[1]
    except UnknownHost as err:
        raise ConfdError(f"own address of {paths.hostname}: {err}") from err


def _port() -> int:
    try:
        return socket.getservbyname("ganeti-confd", "udp")
    except OSError:
        return DEFAULT_PORT
