"""``ganeti-noded``: the daemon that works on a node.

    certificate files -> HTTPS server -> dispatcher -> handlers -> drivers

Runs as root on every node. Ending it, also by force, ends no guest.
"""

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes, remove_unfinished
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.kit.worker import Worker
from pyganeti.model.errors import ConfigurationError
from pyganeti.node.app import assemble_node, build_node
from pyganeti.node.leave import remove_database
from pyganeti.store.replica import Replica
from pyganeti.store.sqlite import SqliteBackend
from pyganeti.tools import services
from pyganeti.wire.noderpc.server import NodeServer

from .base import OK, DaemonSpec, Life, run_daemon
from .listening import default_address, interface_address
from .options import (
    add_network_options,
    add_server_options,
    check_server_options,
    daemon_parser,
    parsed,
    service_port,
)
from .replica import CandidateStore

_log = logging.getLogger(__name__)

NAME: Final = "ganeti-noded"
LOG_BASE: Final = "node-daemon"
DEFAULT_PORT: Final = 1811
# Calls that were being answered get this long when the daemon is told to end.
_GRACE_S: Final = 2.0
# An answer under way must have left before a daemon that was told to leave its cluster ends.
_LEAVE_DELAY_S: Final = 0.5


def node_share(paths: Paths) -> int:
    """The part of the machine a virtual node owns, as one in this many.

    Raises:
        ConfigurationError: the file does not hold a positive number.
    """
    path = f"{paths.conf_dir}/node-share"
    text = (read_bytes(path) or b"1").decode("ascii", "replace").strip()
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(f"{path} does not hold a positive number: {text[:40]!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    Attributes:
        address, port: where.
        certificate, key: files of the daemon's own; without them the node's.
        most: connections at once; ``None`` for any.
    """

    address: str
    port: int
    certificate: str | None = None
    key: str | None = None
    most: int | None = None


def _context(paths: Paths, serving: Serving) -> ssl.SSLContext:
    own = serving.certificate or paths.server_pem
    try:
        return tls.server_context(own, paths.ca_cert, serving.key)
    except OSError as err:
        files = ", ".join(filter(None, (own, serving.key, paths.ca_cert)))
        raise ConfigurationError(f"no usable certificates in {files}: {tls.reason(err)}") from err


async def serve(paths: Paths, life: Life, serving: Serving) -> int:
    """Answer calls until it is time to end."""
    context = _context(paths, serving)
    await in_thread(lambda: remove_unfinished(*paths.state_dirs()))
    leaving = Leaving(paths, life.stop)
    worker = Worker("replica")

    async def take_up_certificates() -> None:
        await server.renew(await in_thread(_context, paths, serving))

    replica = Replica(lambda: SqliteBackend(paths.database), worker)
    try:
        parts = build_node(
            paths,
            clock=SystemClock(),
            replica=CandidateStore(replica, partial(remove_database, paths)),
            stop_daemon=leaving.begin,
            take_up_certificates=take_up_certificates,
            share=node_share(paths),
        )
        async with assemble_node(parts) as dispatcher:
            server = NodeServer(dispatcher, serving.most)
            try:
                await server.start(serving.address, serving.port, context)
                life.ready()
                await life.stopped()
            finally:
                await server.stop(_GRACE_S)
    finally:
        await replica.close()
        worker.close()
    await leaving.finish()
    return OK


class Leaving:
    """The end of a node's membership: with it ends what runs here for the cluster.

    Args:
        paths: the node.
        stop: ends this daemon.
    """

    def __init__(self, paths: Paths, stop: Callable[[], None]) -> None:
        self._paths = paths
        self._stop = stop
        self._has_begun = False

    def begin(self) -> None:
        """End soon: the answer under way has to leave first."""
        self._has_begun = True
        asyncio.get_running_loop().call_later(_LEAVE_DELAY_S, self._stop)

    async def finish(self) -> None:
        """End the other daemons, if the node leaves."""
        if not self._has_begun:
            return
        for service in services.stopping_services():
            if service.name != NAME:
                try:
                    await in_thread(services.stop, self._paths, service)
                except services.ServiceError as err:
                    _log.error("%s", err)


def main() -> int:
    """Entry point."""
    parser = daemon_parser(NAME)
    add_network_options(parser)
    add_server_options(parser, no_ssl="refused: callers must prove who they are")
    parser.add_argument(
        "--no-mlock", action="store_true", help="do not lock memory (this daemon never does)"
    )
    options, paths = parsed(parser)
    check_server_options(parser, options)
    if options.no_ssl:
        parser.error("--no-ssl is refused: callers must prove who they are")
    port = options.port or service_port(NAME, DEFAULT_PORT)

    async def body(life: Life) -> int:
        address = options.bind or (
            interface_address(paths, options.interface)
            if options.interface
            else default_address(paths)
        )
        files = (options.ssl_cert, options.ssl_key)
        return await serve(paths, life, Serving(address, port, *files, options.max_clients))

    return run_daemon(DaemonSpec(NAME, LOG_BASE, paths, options), body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
