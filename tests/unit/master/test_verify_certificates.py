"""When the end of a certificate is worth a word."""

import pytest

from pyganeti.master.lu.cluster.verify_certificates import certificate_fault
from pyganeti.wire.noderpc.types import CertificateState

NOW = 1_700_000_000.0
DAY_S = 86400.0


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (31.0, None),
        (29.6, ("/x: expires in about 30 days", False)),
        (7.4, ("/x: expires in about 7 days", False)),
        (6.9, ("/x: expires in about 7 days", True)),
        (0.0, ("/x: expired 0 days ago", True)),
        (-400.0, ("/x: expired 400 days ago", True)),
    ],
)
def test_the_closer_the_worse(days: float, wanted: tuple[str, bool] | None) -> None:
    state = CertificateState(path="/x", not_after=NOW + days * DAY_S)
    assert certificate_fault(state, NOW) == wanted


def test_one_that_cannot_be_read_is_an_error() -> None:
    assert certificate_fault(CertificateState(path="/x", error="empty"), NOW) == ("/x: empty", True)
