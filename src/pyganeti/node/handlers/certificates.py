"""Answers to calls about the node's certificates."""

from pyganeti.node.certificates import NodeCertificates
from pyganeti.node.dispatcher import Handler, handles
from pyganeti.wire.noderpc import certificates as calls


class CertificatesHandlers:
    """Certificates of a node."""

    def __init__(self, certificates: NodeCertificates) -> None:
        self._certificates = certificates

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (handles(calls.CertificatesInstallCall, self._install),)

    async def _install(self, call: calls.CertificatesInstallCall) -> str:
        return await self._certificates.install(call.node_name, call.authorities, call.certificate)
