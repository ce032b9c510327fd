"""What a node says of its certificates."""

from pathlib import Path

import pytest

from pyganeti.kit.tls import VALID_DAYS, make_ca
from pyganeti.node.certificate_state import certificate_state

MADE = 1_700_000_000.0


def test_says_until_when_a_certificate_is_good(tmp_path: Path) -> None:
    authority = make_ca("cluster", MADE)
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.key + authority.certificate)
    state = certificate_state(str(file))
    assert (state.path, state.error) == (str(file), "")
    assert state.not_after == MADE + VALID_DAYS * 86400


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_says_what_is_wrong_with_a_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    assert certificate_state(str(file)).error == "there is no certificate in it"


def test_says_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    assert certificate_state(str(tmp_path)).error == "Is a directory"
