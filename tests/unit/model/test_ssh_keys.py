"""Which ssh keys can be made."""

import pytest

from pyganeti.model.enums import SshKeyType
from pyganeti.model.errors import OpPrereqError
from pyganeti.model.ssh_keys import check_kind, default_bits


@pytest.mark.parametrize("kind", [SshKeyType.RSA, SshKeyType.ECDSA])
def test_the_usual_length_can_be_had(kind: SshKeyType) -> None:
    check_kind(kind, default_bits(kind))


@pytest.mark.parametrize(
    ("kind", "bits", "said"),
    [
        (SshKeyType.DSA, default_bits(SshKeyType.DSA), "--ssh-key-type"),
        (SshKeyType.ECDSA, 2048, "--ssh-key-bits"),
        (SshKeyType.RSA, 512, "--ssh-key-bits"),
    ],
)
def test_what_cannot_be_made(kind: SshKeyType, bits: int, said: str) -> None:
    with pytest.raises(OpPrereqError, match=said):
        check_kind(kind, bits)
