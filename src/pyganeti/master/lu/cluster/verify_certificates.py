"""Certificates in the checks: are they there, readable, and good for long enough?

Source: gnt-cluster(8) VERIFY; Ganeti's days before the end of a certificate.
"""

from typing import Final

from pyganeti.wire.noderpc.types import CertificateState

_DAY_S: Final = 86400.0
ERROR_DAYS: Final = 7
WARNING_DAYS: Final = 30


def certificate_fault(state: CertificateState, now: float) -> tuple[str, bool] | None:
    """What is wrong with a certificate and whether that is an error; ``None`` for a good one."""
    if state.error:
        return f"{state.path}: {state.error}", True
    days = (state.not_after - now) / _DAY_S
    if days <= 0:
        return f"{state.path}: expired {abs(days):.0f} days ago", True
    if days <= WARNING_DAYS:
        return f"{state.path}: expires in about {days:.0f} days", days <= ERROR_DAYS
    return None
