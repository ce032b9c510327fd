"""What ssh keys the cluster makes for root on its nodes.

Source: gnt-cluster(8) INIT, RENEW-CRYPTO; ssh-keygen(1).
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from pyganeti.model.enums import SshKeyType
from pyganeti.model.errors import ECode, OpPrereqError

# Begins the comment of a key that the cluster has made.
MARK: Final = "ganeti:"
_DSA_BITS: Final = 1024
# In bits; the first is the default. OpenSSH takes no DSA keys any more.
_LENGTHS: Final[Mapping[SshKeyType, tuple[int, Collection[int]]]] = MappingProxyType(
    {
        SshKeyType.RSA: (2048, range(1024, 16385)),
        SshKeyType.ECDSA: (384, (256, 384, 521)),
    }
)


def comment_of(node_name: str) -> str:
    """The comment of a node's key."""
    return f"{MARK}{node_name}"


def default_bits(kind: SshKeyType) -> int:
    """The usual length of such a key."""
    return _LENGTHS[kind][0] if kind in _LENGTHS else _DSA_BITS


def check_kind(kind: SshKeyType, bits: int) -> None:
    """Refuse what cannot be made.

    Raises:
        OpPrereqError: there is no such key.
    """
    if kind not in _LENGTHS:
        text = f"SSH keys of type {kind} are taken by nobody any more: give another --ssh-key-type"
        raise OpPrereqError(text, ECode.INVAL)
    if bits not in _LENGTHS[kind][1]:
        text = f"an SSH key of type {kind} has not {bits} bits: give another --ssh-key-bits"
        raise OpPrereqError(text, ECode.INVAL)
