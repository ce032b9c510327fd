"""The command line of ``ganeti-rapi``, and where it makes the daemon listen."""

import argparse
from typing import Final

from pyganeti.daemons.listening import default_address, interface_address
from pyganeti.daemons.options import (
    add_network_options,
    add_server_options,
    add_user_option,
    daemon_parser,
    service_port,
)
from pyganeti.kit.paths import Paths

NAME: Final = "ganeti-rapi"
DEFAULT_PORT: Final = 5080
MOST_CLIENTS: Final = 2000


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = daemon_parser(NAME)
    add_network_options(made)
    add_server_options(made, no_ssl="speak HTTP without encryption", clients=MOST_CLIENTS)
    made.add_argument(
        "--ssl-chain", metavar="FILE", help="certificates between that and its authority"
    )
    made.add_argument(
        "--require-authentication",
        action="store_true",
        help="answer nothing without a user's name and password",
    )
    add_user_option(made)
    return made


def address(paths: Paths, options: argparse.Namespace) -> str:
    """The address to listen on.

    Raises:
        ConfigurationError: it is not known.
    """
    if options.interface:
        return interface_address(paths, options.interface)
    return str(options.bind or default_address(paths))


def port(options: argparse.Namespace) -> int:
    """The port to listen on."""
    return int(options.port or service_port(NAME, DEFAULT_PORT))
