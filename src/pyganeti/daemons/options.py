"""Command line of a daemon: what all daemons share. Source: tools.json, daemons."""

import argparse
import socket

from pyganeti.model.versions import RELEASE_VERSION


def daemon_parser(name: str) -> argparse.ArgumentParser:
    """Parser for ``name`` with the options of every daemon."""
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{name} (ganeti) {RELEASE_VERSION}")
    parser.add_argument(
        "-f", "--foreground", action="store_true", help="do not detach from the terminal"
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log debug messages")
    parser.add_argument(
        "--syslog",
        choices=("no", "yes", "only"),
        default="no",
        help="log to syslog (also, or only)",
    )
    return parser


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Options of a daemon that listens on a port."""
    parser.add_argument("-p", "--port", type=int, help="port to listen on")
    parser.add_argument("-b", "--bind", metavar="ADDRESS", help="address to listen on")


def service_port(name: str, default: int, protocol: str = "tcp") -> int:
    """Port of ``name`` in the services database, or ``default``."""
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return default
