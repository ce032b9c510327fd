"""The certificates of this node: tried, written, taken up.

    master -> certificates_install -> tried in a directory of their own -> files -> daemon

Blocking but for :meth:`NodeCertificates.install`. Source: docs/design/0015-renewing-keys.md.
"""

import os
import ssl
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory

from pyganeti.kit import tls
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError

from .files import NodeFiles

TakeUp = Callable[[], Awaitable[None]]


class NodeCertificates:
    """What a node shows and whom it trusts.

    Args:
        paths: this node.
        files: writes them.
        take_up: lets the daemon use the files as they are now.
    """

    def __init__(self, paths: Paths, files: NodeFiles, take_up: TakeUp) -> None:
        self._paths = paths
        self._files = files
        self._take_up = take_up

    async def install(self, node_name: str, authorities: bytes, certificate: bytes | None) -> str:
        """Use other certificates; the digest of the node's own.

        Raises:
            GenericError: they are not usable here; nothing was changed.
        """
        digest = await in_thread(self._write, node_name, authorities, certificate)
        await self._take_up()
        return digest

    def _write(self, node_name: str, authorities: bytes, certificate: bytes | None) -> str:
        own = read_bytes(self._paths.client_pem) or b""
        try:
            if certificate is not None:
                self._check_owner(own, certificate)
            digest = tls.certificate_digest(certificate or own)
            self._check(node_name, authorities, certificate or own)
        except ValueError as err:
            raise GenericError(f"certificates for {node_name}: {err}") from err
        # Authorities first: whatever is shown at any time is trusted here.
        self._files.upload(self._paths.ca_cert, authorities, 0)
        for path in (self._paths.server_pem, self._paths.client_pem):
            if certificate is not None:
                self._files.upload(path, certificate, 0)
        return digest

    @staticmethod
    def _check_owner(own: bytes, certificate: bytes) -> None:
        given, known = tls.certificate_uuid(certificate), tls.certificate_uuid(own)
        # One that Ganeti made names the node only, which is checked with the handshake.
        if known and given != known:
            raise ValueError(f"they are of the node with UUID {given!r}, this one is {known!r}")

    def _check(self, node_name: str, authorities: bytes, certificate: bytes) -> None:
        """Try them on each other: key, signature, name and time.

        Raises:
            ValueError: they do not fit.
        """
        os.makedirs(self._paths.crypto_dir, 0o700, exist_ok=True)
        with TemporaryDirectory(dir=self._paths.crypto_dir) as place:
            own, trusted = f"{place}/own.pem", f"{place}/authorities.pem"
            write_atomic(own, certificate, mode=0o400, durable=False)
            write_atomic(trusted, authorities, mode=0o400, durable=False)
            try:
                server = tls.server_context(own, trusted)
                tls.introduce(server, tls.client_context(own, trusted), node_name)
            except ssl.SSLCertVerificationError as err:
                raise ValueError(err.verify_message) from err
            except OSError as err:
                raise ValueError(tls.reason(err)) from err
