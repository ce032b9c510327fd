"""What a node says of the certificates in its files. Blocking: call it in a thread."""

from pyganeti.kit.files import read_bytes
from pyganeti.kit.tls import expiry
from pyganeti.wire.noderpc.types import CertificateState


def certificate_state(path: str) -> CertificateState:
    """Until when the first certificate in the file ``path`` is good, or what is wrong with it."""
    try:
        return CertificateState(path=path, not_after=expiry(read_bytes(path) or b""))
    except OSError as err:
        return CertificateState(path=path, error=err.strerror or str(err))
    except ValueError:
        return CertificateState(path=path, error="there is no certificate in it")
