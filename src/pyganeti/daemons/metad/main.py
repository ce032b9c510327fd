"""``ganeti-metad``: the daemon that tells guests about themselves.

noded starts it with the first guest that communicates with its node.
"""

import asyncio
import sys
from functools import partial
from typing import Any, Final

import msgspec

from pyganeti.daemons.base import OK, DaemonSpec, Life, run_daemon
from pyganeti.daemons.options import add_network_options, add_user_option, daemon_parser, parsed
from pyganeti.kit.paths import Paths
from pyganeti.model.communication import SERVICE_IP
from pyganeti.model.errors import GenericError
from pyganeti.node.metadata import DAEMON, GuestRecords
from pyganeti.wire.helper_words import METHOD
from pyganeti.wire.luxi.server import LuxiServer

from .server import Metadata

LOG_BASE: Final = "meta-daemon"
PORT: Final = 80
# A guest that has just begun to boot does not ask sooner.
_REFRESH_S: Final = 0.5
_SOCKET_MODE: Final = 0o600


async def control(service: Metadata, method: str, args: list[Any]) -> Any:  # Any: JSON
    """Answer on the control socket: ``echo`` is a sign of life, ``heard`` what a helper said.

    Raises:
        GenericError: another method.
    """
    if len(args) == 1:
        if method == "echo":
            return args[0]
        if method == METHOD:
            return msgspec.to_builtins(service.heard(str(args[0])))
    raise GenericError(f"no such call: {method} with {len(args)} arguments")


async def serve(paths: Paths, life: Life, address: str, port: int) -> int:
    """Answer guests until it is time to end.

    Raises:
        LuxiError: the control socket cannot be made.
    """
    service = Metadata(GuestRecords(paths.metadata_dir), paths.os_search_path(), address, port)
    sign = LuxiServer(partial(control, service), paths.metad_socket, mode=_SOCKET_MODE)
    await service.start()
    try:
        await sign.start()
        await service.refresh()
        life.ready()
        while not await _stopped(life):
            await service.refresh()
    finally:
        await sign.stop()
        await service.stop()
    return OK


async def _stopped(life: Life) -> bool:
    """Whether it is time to end, a moment later."""
    try:
        async with asyncio.timeout(_REFRESH_S):
            await life.stopped()
    except TimeoutError:
        return False
    return True


def main() -> int:
    """Entry point."""
    parser = daemon_parser(DAEMON)
    add_network_options(parser)
    add_user_option(parser)
    options, paths = parsed(parser)

    async def body(life: Life) -> int:
        return await serve(paths, life, options.bind or SERVICE_IP, options.port or PORT)

    return run_daemon(DaemonSpec(DAEMON, LOG_BASE, paths, options, low_ports=True), body, sys.argv)


if __name__ == "__main__":
    sys.exit(main())
