"""What the daemon reads from disk, again when it has changed: its certificate and the users.

    file -> stamp differs -> read -> users, or a context for new connections

A file that cannot be read, or not understood, changes nothing; the log says so.
"""

import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.tls import reason
from pyganeti.model.errors import ConfigurationError
from pyganeti.rapi.users import Users, parse_users

_LOG: Final = logging.getLogger(__name__)
_Stamp = tuple[int, int, int] | None


def _stamp(path: str) -> _Stamp:
    """What differs when a file was written or replaced."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watched:
    """Files that belong together; ``read`` is called when one of them differs."""

    def __init__(self, paths: tuple[str, ...], read: Callable[[], None]) -> None:
        self._paths = paths
        self._read = read
        self._stamps: tuple[_Stamp, ...] | None = None

    def look(self, *, anyway: bool = False) -> None:
        """Read them if they changed, or ``anyway``."""
        stamps = tuple(map(_stamp, self._paths))
        if anyway or stamps != self._stamps:
            self._stamps = stamps
            self._read()


class UsersFile:
    """The users, as the file says; nobody where there is none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.users: Users = {}

    def read(self) -> None:
        """Read the file."""
        try:
            text = (read_bytes(self._path) or b"").decode("utf-8", "surrogateescape")
        except OSError as err:
            _LOG.error("users stay as they were: %s: %s", self._path, err.strerror)
            return
        self.users = parse_users(text)
        _LOG.info("%d users in %s", len(self.users), self._path)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where key, certificate and the certificates between it and its authority are.

    Attributes:
        chain: of a file with them, or empty.
    """

    key: str
    certificate: str
    chain: str = ""

    def paths(self) -> tuple[str, ...]:
        """All files."""
        return tuple(path for path in (self.key, self.certificate, self.chain) if path)

    def context(self) -> ssl.SSLContext:
        """A context for the server.

        Raises:
            ConfigurationError: a file cannot be read, or they do not fit together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load(context)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Use what is in the files for new connections; raises as :meth:`context`."""
        try:
            if not self.chain:
                context.load_cert_chain(self.certificate, self.key)
                return
            # The library wants the chain behind the certificate, in a file: one in memory.
            place = os.memfd_create("chain", os.MFD_CLOEXEC)
            with os.fdopen(place, "wb") as handle:
                for path in (self.certificate, self.chain):
                    with open(path, "rb") as part:
                        handle.write(part.read() + b"\n")
                handle.flush()
                context.load_cert_chain(f"/proc/self/fd/{place}", self.key)
        except OSError as err:
            raise ConfigurationError(f"{', '.join(self.paths())}: {reason(err)}") from err


class LoadedCertificate:
    """The certificate in use."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self.context = certificate.context()

    def read(self) -> None:
        """Use what is in the files by now, if it is usable."""
        try:
            # First elsewhere: a failure leaves a context with half of it.
            self._certificate.context()
            self._certificate.load(self.context)
        except ConfigurationError as err:
            _LOG.error("the certificate stays as it was: %s", err)
            return
        _LOG.info("certificate from %s", ", ".join(self._certificate.paths()))
