"""Command line of a daemon: what all daemons share. Source: tools.json, daemons."""

import argparse
import socket

from pyganeti.kit.paths import Paths
from pyganeti.model.versions import RELEASE_VERSION

from .base import FAILURE


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


def add_user_option(parser: argparse.ArgumentParser) -> None:
    """The option of a daemon that has a user of its own."""
    parser.add_argument("--no-user-checks", action="store_true", help="run as whoever starts it")


def parsed(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, Paths]:
    """The options of this process, and the node that it acts as.

    Ends the process where they make no sense.
    """
    options = parser.parse_args()
    try:
        return options, Paths.from_env()
    except ValueError as err:
        parser.exit(FAILURE, f"{parser.prog}: {err}\n")


def add_server_options(
    parser: argparse.ArgumentParser, *, no_ssl: str, clients: int | None = None
) -> None:
    """Options of a daemon that serves over TLS, beside :func:`add_network_options`.

    Args:
        parser: gets them.
        no_ssl: what ``--no-ssl`` does.
        clients: most connections at once, where nothing is said.
    """
    parser.add_argument("-i", "--interface", help="interface on whose address to listen")
    parser.add_argument("-K", "--ssl-key", metavar="FILE", help="key of the own certificate")
    parser.add_argument("-C", "--ssl-cert", metavar="FILE", help="own certificate")
    parser.add_argument(
        "--max-clients",
        type=_positive,
        default=clients,
        metavar="NUMBER",
        help="most connections at once",
    )
    parser.add_argument("--no-ssl", action="store_true", help=no_ssl)


def check_server_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with the parser's error where options contradict each other."""
    if options.bind and options.interface:
        parser.error("--bind and --interface both say where to listen: give one of them")
    if options.ssl_key and not options.ssl_cert:
        parser.error("--ssl-key needs --ssl-cert, the certificate that it belongs to")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def service_port(name: str, default: int, protocol: str = "tcp") -> int:
    """Port of ``name`` in the services database, or ``default``."""
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return default
