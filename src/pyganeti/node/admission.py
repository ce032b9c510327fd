"""Who may call a node: holders of a master candidate's certificate.

That the cluster's authority signed the certificate was checked by TLS before; here its digest must
stand in ``ssconf_master_candidates_certs`` (lines ``node-uuid=digest``).
"""

import os

from pyganeti.kit.files import read_bytes
from pyganeti.kit.tls import Peer
from pyganeti.model.errors import NodeCallError


class CandidateCertificates:
    """The digests in the ssconf file, read again whenever it was replaced."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._digests: frozenset[str] = frozenset()

    def check(self, peer: Peer) -> None:
        """Admit ``peer``.

        Raises:
            NodeCallError: it is no master candidate, as far as this node knows.
        """
        self._refresh()
        if peer.digest not in self._digests:
            raise NodeCallError(
                f"node {peer.name!r} is not admitted: its certificate {peer.digest} is not in"
                f" {self._path}"
            )

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._stamp, self._digests = None, frozenset()
            return
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            text = (read_bytes(self._path) or b"").decode("ascii", "replace")
            self._digests = frozenset(
                line.partition("=")[2].strip() for line in text.splitlines() if "=" in line
            )
            self._stamp = stamp
