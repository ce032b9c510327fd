"""Node calls about the certificates by which nodes know each other."""

from typing import ClassVar

from .call import FAST_S, NodeCall


class CertificatesInstallCall(NodeCall[str], frozen=True, kw_only=True):
    """Take up other certificates, for all connections from the answer on; the digest of its own.

    They are tried before anything is written.

    Attributes:
        node_name: what the node's own certificate must name.
        authorities: certificates of those whose signature is to be trusted, PEM.
        certificate: the node's own with its key, PEM; ``None`` keeps what it has.

    Raises: GenericError, they do not fit together, or are another node's; nothing was changed.
    """

    procedure: ClassVar[str] = "certificates_install"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    node_name: str
    authorities: bytes
    certificate: bytes | None = None


CALLS = (CertificatesInstallCall,)
