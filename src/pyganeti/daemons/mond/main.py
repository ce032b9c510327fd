"""``ganeti-mond``: the daemon that tells monitoring programs how a node is, over HTTP.

Runs on every node. It only reads: the node's own files and programs, and confd.
"""

import argparse
import logging
import sys
from functools import partial
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
from pyganeti.daemons.rapi.server import HttpServer
from pyganeti.kit.clock import Clock, SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Runner, run
from pyganeti.kit.resolver import own_hostname
from pyganeti.node.monitor import gather
from pyganeti.node.monitor.known import Known, candidates_client
from pyganeti.node.monitor.report import CPU, DISKSTATS, DRBD, INST_STATUS, LV, XEN_CPU, Data
from pyganeti.wire.confd.client import DEFAULT_PORT as CONFD_PORT

from .collecting import Collecting, Sources
from .metrics import NodeMetrics, build_parts
from .service import Service

NAME: Final = "ganeti-mond"
LOG_BASE: Final = "monitoring-daemon"
DEFAULT_PORT: Final = 1815
MOST_CLIENTS: Final = 100
_LOG: Final = logging.getLogger(__name__)


def build_sources(paths: Paths, known: Known, clock: Clock, runner: Runner) -> Sources:
    """All collectors of a node."""

    async def drbd() -> Data:
        return await gather.drbd_status(await known.minors())

    async def volumes() -> Data:
        return await gather.logical_volumes(runner, await known.owners(await known.instances()))

    xen = partial(gather.xen_status, runner, clock, known, paths.instance_reason_dir)
    return Sources(
        stateless={
            DISKSTATS.name: gather.disk_statistics,
            DRBD.name: drbd,
            INST_STATUS.name: xen,
            LV.name: volumes,
        },
        stateful={
            CPU.name: gather.cpu_seconds,
            XEN_CPU.name: partial(gather.xen_seconds, runner),
        },
    )


async def serve(paths: Paths, life: Life, address: str, port: int) -> int:
    """Answer until it is time to end.

    Raises:
        OSError: the port is taken.
    """
    clock = SystemClock()
    confd = service_port("ganeti-confd", CONFD_PORT, "udp")
    known = Known(partial(candidates_client, paths, confd), own_hostname(paths))
    collecting = Collecting(known, build_sources(paths, known, clock, run), clock)
    metrics = NodeMetrics(build_parts(paths, collecting, run))
    server = HttpServer(Service(collecting, metrics).answer, None, MOST_CLIENTS)
    found = await server.start(address, port)
    _LOG.info("listens on %s, port %d", address, found)
    try:
        await life.beside(collecting.run())
    finally:
        await server.stop()
    return OK


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = daemon_parser(NAME)
    add_network_options(made)
    add_user_option(made)
    return made


def main() -> int:
    """Entry point."""
    options, paths = parsed(parser())

    async def body(life: Life) -> int:
        address = options.bind or default_address(paths)
        return await serve(paths, life, address, options.port or service_port(NAME, DEFAULT_PORT))

    return run_daemon(DaemonSpec(NAME, LOG_BASE, paths, options), body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
