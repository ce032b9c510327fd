"""``ganeti-confd``: the daemon that answers signed questions about the cluster, over UDP.

Runs on every node without privileges; only master candidates have something to answer from.
"""

import sys
from typing import Final

from pyganeti.daemons.base import OK, DaemonSpec, Life, run_daemon
from pyganeti.daemons.listening import default_address
from pyganeti.daemons.options import (
    add_network_options,
    add_user_option,
    daemon_parser,
    parsed,
    service_port,
)
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.wire.confd.client import DEFAULT_PORT

from .copy import ConfigCopy, Key
from .server import Confd, DatagramServer

NAME: Final = "ganeti-confd"
LOG_BASE: Final = "conf-daemon"


async def serve(paths: Paths, life: Life, address: str, port: int) -> int:
    """Answer until it is time to end.

    Raises:
        ConfigurationError: this node belongs to no cluster.
        OSError: the key cannot be read, the port is taken.
    """
    clock = SystemClock()
    key = Key(paths.hmac_key)
    # Told now rather than never: without it no datagram gets an answer.
    key.get()
    server = DatagramServer(Confd(key, ConfigCopy(paths.config_file, clock), clock))
    await server.start(address, port)
    try:
        await life.beside(server.run())
    finally:
        server.stop()
    return OK


def main() -> int:
    """Entry point."""
    parser = daemon_parser(NAME)
    add_network_options(parser)
    add_user_option(parser)
    options, paths = parsed(parser)
    port = options.port or service_port(NAME, DEFAULT_PORT, "udp")

    async def body(life: Life) -> int:
        return await serve(paths, life, options.bind or default_address(paths), port)

    return run_daemon(DaemonSpec(NAME, LOG_BASE, paths, options), body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
