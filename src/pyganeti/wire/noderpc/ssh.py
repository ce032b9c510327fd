"""Node calls about root's ssh keys."""

from typing import ClassVar

from pyganeti.model.enums import SshKeyType

from .call import FAST_S, NodeCall
from .struct import Struct


class SshKeyMade(Struct, frozen=True, kw_only=True):
    """What a node has made.

    Attributes:
        public: the new public key, a line.
        former: the public keys of the node's keys so far, those included that may still be allowed
            somewhere.
    """

    public: str
    former: tuple[str, ...]


class SshKeyInUse(Struct, frozen=True, kw_only=True):
    """How a node is known to ssh.

    Attributes:
        public: root's public key, a line with the comment that was asked for.
        hosts: the ssh daemon's public keys, each a type and a key.
    """

    public: str
    hosts: tuple[str, ...]


class SshKeyEnsureCall(NodeCall[SshKeyInUse], frozen=True, kw_only=True):
    """Say which key root uses; one is made if there is none of that kind.

    Attributes:
        kind: algorithm; DSA is not made any more.
        bits: length of one that is made.
        comment: as of :class:`SshKeyMakeCall`.

    Raises: GenericError, there is no such key, or one without its public half.
    """

    procedure: ClassVar[str] = "ssh_key_ensure"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    kind: SshKeyType
    bits: int
    comment: str


class SshKeyMakeCall(NodeCall[SshKeyMade], frozen=True, kw_only=True):
    """Make a key for root, aside: it is not used before :class:`SshKeyTakeUpCall`.

    Attributes:
        kind: algorithm; DSA is refused.
        bits: length.
        comment: stands behind the public key.

    Raises: GenericError, there is no such key.
    """

    procedure: ClassVar[str] = "ssh_key_make"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    kind: SshKeyType
    bits: int
    comment: str


class SshKeyTakeUpCall(NodeCall[None], frozen=True, kw_only=True):
    """Use the key that was made, in place of all others; one that is in use already stays.

    Raises: GenericError, the key that was made is another one.
    """

    procedure: ClassVar[str] = "ssh_key_take_up"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    kind: SshKeyType
    public: str


class SshKeysAuthorizeCall(NodeCall[None], frozen=True, kw_only=True):
    """Say whose keys may log in as root. What the site has put there stays.

    Attributes:
        allowed: public keys that may.
        withdrawn: public keys that may not any more.
        only: of keys that the cluster has made, no others may.
        kept: comments of keys that the cluster has made and that may all the same.
    """

    procedure: ClassVar[str] = "ssh_keys_authorize"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    allowed: tuple[str, ...]
    withdrawn: tuple[str, ...] = ()
    only: bool = False
    kept: tuple[str, ...] = ()


class SshKeysForgetCall(NodeCall[None], frozen=True, kw_only=True):
    """Former keys of the node are allowed nowhere any more."""

    procedure: ClassVar[str] = "ssh_keys_forget"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True


CALLS = (
    SshKeyEnsureCall,
    SshKeyMakeCall,
    SshKeyTakeUpCall,
    SshKeysAuthorizeCall,
    SshKeysForgetCall,
)
