"""Keys and certificates that a node uses for one transfer to or from another cluster. Blocking.

    CRYPTO_DIR/NAME/key, cert      readable by root alone; ganeti-cleaner removes expired ones

Made as Ganeti's: its socat asks for the common name ``ganeti.example.com``.
"""

import os
import re
import shutil
import ssl
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.model.errors import OpExecError

COMMON_NAME: Final = "ganeti.example.com"
_NAME: Final = re.compile(r"x509-[A-Za-z0-9-]{1,80}")


class CryptoKeys:
    """The directory of such keys."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def create(self, name: str, validity_s: float) -> str:
        """A key and its certificate under ``name``; the certificate as PEM. Repeatable.

        Raises:
            OpExecError: the name is none.
            OSError: it cannot be written.
        """
        place = self._place(name)
        os.makedirs(place, mode=0o700, exist_ok=True)
        key, certificate = tls.self_signed(COMMON_NAME, now(), validity_s)
        write_atomic(f"{place}/key", key, mode=0o400)
        write_atomic(f"{place}/cert", certificate, mode=0o400)
        return certificate.decode("ascii")

    def remove(self, name: str) -> None:
        """Remove a key with its certificate; a missing one is a success.

        Raises:
            OpExecError: the name is none.
            OSError: it cannot be removed.
        """
        place = self._place(name)
        if os.path.lexists(place):
            shutil.rmtree(place)

    def context(self, name: str, ca: str, *, server: bool) -> ssl.SSLContext:
        """For connections under key ``name`` with whoever has the key of certificate ``ca``, PEM.

        Raises:
            OpExecError: there is no such key; the other certificate is none.
        """
        place = self._place(name)
        if read_bytes(f"{place}/key") is None:
            text = f"there is no key {name} on this node (any more)"
            raise OpExecError(f"{text}: prepare the export again")
        # The other end is known by its certificate alone, whatever name it bears.
        side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Python before 3.11.4 lets a connection that breaks off look like one that was ended.
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(f"{place}/cert", f"{place}/key")
            context.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError) as err:
            raise OpExecError(f"certificates of the transfer: {_reason(err)}") from err
        if server:
            context.num_tickets = 0
        return context

    def _place(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise OpExecError(f"{name!r} is no name of a key")
        return f"{self._directory}/{name}"


def _reason(err: Exception) -> str:
    return tls.reason(err) if isinstance(err, OSError) else str(err)
