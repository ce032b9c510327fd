"""``ganeti-rapi``: the daemon that serves the cluster over HTTPS, on the master.

Runs without privileges; all it does to the cluster goes through LUXI.
"""

import argparse
import asyncio
import fcntl
import logging
import socket
import struct
import sys
from typing import Final

from pyganeti.daemons.base import OK, DaemonSpec, Life, run_daemon
from pyganeti.daemons.listening import default_address
from pyganeti.daemons.open_files import allow_files
from pyganeti.daemons.options import (
    add_network_options,
    add_user_option,
    daemon_parser,
    parsed,
    service_port,
)
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import ConfigurationError, NotMasterError
from pyganeti.rapi.gate import Gate
from pyganeti.tools import services

from .body import BodyReader
from .files import Certificate, LoadedCertificate, UsersFile, Watched
from .master import MOST_QUESTIONS, MOST_WAITS, LuxiMaster
from .server import HttpServer
from .service import Service

NAME: Final = "ganeti-rapi"
LOG_BASE: Final = "rapi-daemon"
DEFAULT_PORT: Final = 5080
MOST_CLIENTS: Final = 2000
# Between two looks at the files.
_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 10.0
_SIOCGIFADDR: Final = 0x8915
_LOG: Final = logging.getLogger(__name__)


class _Stopped(Exception):
    """Ends the daemon's task group."""


def interface_address(name: str) -> str:
    """The IPv4 address of an interface.

    Raises:
        ConfigurationError: there is no such interface, or it has none.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
        except OSError as err:
            raise ConfigurationError(f"address of interface {name!r}: {err.strerror}") from err
    return socket.inet_ntoa(answer[20:24])


class Daemon:
    """The daemon.

    Args:
        paths: this node.
        options: the command line.
    """

    def __init__(self, paths: Paths, options: argparse.Namespace) -> None:
        self._paths = paths
        self._options = options
        self._clock = SystemClock()
        self._users = UsersFile(paths.rapi_users)
        self._watched = [Watched((paths.rapi_users,), self._users.read)]
        self._certificate: LoadedCertificate | None = None
        if not options.no_ssl:
            place = options.ssl_cert or paths.rapi_pem
            # One file may hold both.
            key = options.ssl_key or place
            given = Certificate(key, place, options.ssl_chain or "")
            self._certificate = LoadedCertificate(given)
            self._watched.append(Watched(given.paths(), self._certificate.read))

    async def serve(self, life: Life) -> int:
        """Answer until it is time to end.

        Raises:
            NotMasterError: another node is the master, or becomes it.
            ConfigurationError: the address to listen on is not known.
            OSError: the port is taken.
        """
        await self._become_master()
        master = LuxiMaster(self._paths.query_socket)
        server = self._server(master)
        for one in self._watched:
            one.look()
        life.at_hangup(self._look_anyway)
        port = await server.start(self._address(), self._port())
        _LOG.info("listens on %s, port %d", self._address(), port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look())
                life.ready()
                await life.stopped()
                raise _Stopped
        except* _Stopped:
            pass
        finally:
            await server.stop()
            master.close()
        return OK

    def _server(self, master: LuxiMaster) -> HttpServer:
        gate = Gate(
            lambda: self._users.users, self._clock, all_need=self._options.require_authentication
        )
        service = Service(master, gate, self._clock, BodyReader())
        others = MOST_QUESTIONS + MOST_WAITS + 100
        room = allow_files(self._options.max_clients + others)
        most = max(20, min(self._options.max_clients, room - others))
        context = self._certificate.context if self._certificate else None
        return HttpServer(service.answer, context, most)

    def _address(self) -> str:
        if self._options.interface:
            return interface_address(self._options.interface)
        return str(self._options.bind or default_address(self._paths))

    def _port(self) -> int:
        return int(self._options.port or service_port(NAME, DEFAULT_PORT))

    async def _become_master(self) -> None:
        """Wait a little for this node to be the master: its daemons start side by side."""
        until = self._clock.monotonic() + _PATIENCE_S
        while not services.is_master(self._paths):
            if self._clock.monotonic() >= until:
                raise NotMasterError("this node is not the master")
            await self._clock.sleep(_LOOK_S)

    async def _look(self) -> None:
        """Read files that changed, and end with the node's being the master."""
        while True:
            await self._clock.sleep(_LOOK_S)
            if not await in_thread(services.is_master, self._paths):
                raise NotMasterError("this node is not the master any more")
            for one in self._watched:
                await in_thread(one.look)

    def _look_anyway(self) -> None:
        for one in self._watched:
            one.look(anyway=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = daemon_parser(NAME)
    add_network_options(made)
    add = made.add_argument
    add("-i", "--interface", metavar="NAME", help="network interface whose address to listen on")
    add("--no-ssl", action="store_true", help="speak HTTP without encryption")
    add("-K", "--ssl-key", metavar="FILE", help="key, PEM")
    add("-C", "--ssl-cert", metavar="FILE", help="certificate, PEM")
    add("--ssl-chain", metavar="FILE", help="certificates between that and its authority, PEM")
    add(
        "--require-authentication",
        action="store_true",
        help="answer nothing without a user's name and password",
    )
    add(
        "--max-clients",
        type=_positive,
        default=MOST_CLIENTS,
        metavar="N",
        help="clients that may be connected at once",
    )
    add_user_option(made)
    return made


def main() -> int:
    """Entry point."""
    options, paths = parsed(parser())

    async def body(life: Life) -> int:
        return await Daemon(paths, options).serve(life)

    spec = DaemonSpec(NAME, LOG_BASE, paths, options, uvloop=True)
    return run_daemon(spec, body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
