"""The REST daemon: one that runs and does not answer is started anew."""

import logging
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import Final

from pyganeti.daemons.rapi import options
from pyganeti.kit.paths import Paths
from pyganeti.tools import services
from pyganeti.tools.services import ServiceError

_TIMEOUT_S: Final = 20.0
_log = logging.getLogger(__name__)


def keep_answering(paths: Paths, asked: str | None) -> bool:
    """Start ``ganeti-rapi`` anew if it runs and does not answer; whether it answers now.

    One that does not run is left to :func:`node.start_daemons`.

    Args:
        paths: the master node.
        asked: the address to ask, if not the one where it listens.

    Raises:
        ConfigurationError: where it listens is not known.
    """
    service = services.get_service(options.NAME)
    if not services.is_running(paths, service):
        return True
    given, _others = options.parser().parse_known_args(services.default_arguments(paths, service))
    address, port = asked or _reached(options.address(paths, given)), options.port(given)
    error = _error(address, port, encrypted=not given.no_ssl)
    if error is None:
        return True
    _log.warning(
        "%s does not answer at %s, port %d, and is started anew: %s",
        service.name, address, port, error,
    )  # fmt: skip
    try:
        services.stop(paths, service)
        services.start(paths, service, services.get_executable(service), [])
    except ServiceError as err:
        _log.error("%s", err)
        return False
    error = _error(address, port, encrypted=not given.no_ssl)
    if error is not None:
        _log.error("%s still does not answer: %s", service.name, error)
    return error is None


def _reached(listens: str) -> str:
    """An address of this machine at which a daemon that listens there is reached."""
    ip = ip_address(listens)
    if not ip.is_unspecified:
        return listens
    return "::1" if ip.version == 6 else "127.0.0.1"


def _error(address: str, port: int, *, encrypted: bool) -> str | None:
    """Ask for the version; why nothing came back."""
    if encrypted:
        # Only whether somebody answers matters, and nothing secret is said.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(
            address, port, timeout=_TIMEOUT_S, context=context
        )
    else:
        connection = HTTPConnection(address, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/version")
        # Whatever it answers, it answers: it may want a password for this, too.
        connection.getresponse().read()
    except (OSError, HTTPException) as err:
        return str(err) or type(err).__name__
    finally:
        connection.close()
    return None
