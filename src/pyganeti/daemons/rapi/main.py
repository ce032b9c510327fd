"""``ganeti-rapi``: the daemon that serves the cluster over HTTPS, on the master.

Runs without privileges; all it does to the cluster goes through LUXI.
"""

import argparse
import logging
import sys
from typing import Final

from pyganeti.daemons.base import OK, DaemonSpec, Life, run_daemon
from pyganeti.daemons.open_files import allow_files
from pyganeti.daemons.options import check_server_options, parsed
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import NotMasterError
from pyganeti.rapi.gate import Gate
from pyganeti.tools import services

from . import options
from .body import BodyReader
from .files import Certificate, LoadedCertificate, UsersFile, Watched
from .master import MOST_QUESTIONS, MOST_WAITS, LuxiMaster
from .server import HttpServer
from .service import Service

LOG_BASE: Final = "rapi-daemon"
# Between two looks at the files.
_LOOK_S: Final = 1.0
_PATIENCE_S: Final = 10.0
_LOG: Final = logging.getLogger(__name__)


class Daemon:
    """The daemon.

    Args:
        paths: this node.
        given: the command line.
    """

    def __init__(self, paths: Paths, given: argparse.Namespace) -> None:
        self._paths = paths
        self._options = given
        self._clock = SystemClock()
        self._users = UsersFile(paths.rapi_users)
        self._watched = [Watched((paths.rapi_users,), self._users.read)]
        self._certificate: LoadedCertificate | None = None
        if not given.no_ssl:
            place = given.ssl_cert or paths.rapi_pem
            # One file may hold both.
            key = given.ssl_key or place
            own = Certificate(key, place, given.ssl_chain or "")
            self._certificate = LoadedCertificate(own)
            self._watched.append(Watched(own.paths(), self._certificate.read))

    async def serve(self, life: Life) -> int:
        """Answer until it is time to end.

        Raises:
            NotMasterError: another node is the master, or becomes it.
            ConfigurationError: the address to listen on is not known.
            OSError: the port is taken.
        """
        await self._become_master()
        master = LuxiMaster(self._paths.query_socket, self._clock)
        server = self._server(master)
        for one in self._watched:
            one.look()
        life.at_hangup(self._look_anyway)
        address = options.address(self._paths, self._options)
        port = await server.start(address, options.port(self._options))
        _LOG.info("listens on %s, port %d", address, port)
        try:
            await life.beside(self._look())
        finally:
            master.end_events()
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


def main() -> int:
    """Entry point."""
    made = options.parser()
    given, paths = parsed(made)
    check_server_options(made, given)

    async def body(life: Life) -> int:
        return await Daemon(paths, given).serve(life)

    spec = DaemonSpec(options.NAME, LOG_BASE, paths, given, uvloop=True)
    return run_daemon(spec, body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
