"""Node calls by which one node gives another data, piece by piece.

They are made by nodes, not by the master: it opens a transfer on one node (``export_begin``,
``export_offer``) and starts a task on the other, which makes these calls.
"""

from typing import ClassVar

import msgspec

from .call import FAST_S, NodeAddress, NodeCall


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file on another node, as a task that copies it is told of it.

    Attributes:
        transfer: name of the transfer that is open there.
        name: of the file in it.
        compress: how its data travels: ``none``, or one of the cluster's ``compression_tools``.
    """

    node: NodeAddress
    transfer: str
    name: str
    compress: str = "none"


class ChunkReadCall(NodeCall[bytes], frozen=True, kw_only=True):
    """Bytes of a file that an open transfer has; fewer than ``size`` only at its end.

    Raises: OpExecError, the transfer is not open to the caller.
    """

    procedure: ClassVar[str] = "chunk_read"
    timeout_s: ClassVar[float] = FAST_S
    open_to_members: ClassVar[bool] = True

    transfer: str
    file: str
    offset: int
    size: int
    compress: str = "none"


class ChunkWriteCall(NodeCall[None], frozen=True, kw_only=True):
    """Put bytes into a file of an open transfer. Repeatable, since it says where.

    Not counted among the changes: a node remembers those, and a long copy would push all others
    out of its memory.

    Raises: OpExecError, the transfer is not open to the caller, or what comes before is missing.
    """

    procedure: ClassVar[str] = "chunk_write"
    timeout_s: ClassVar[float] = FAST_S
    open_to_members: ClassVar[bool] = True

    transfer: str
    file: str
    offset: int
    data: bytes
    compress: str = "none"


class TransferEndCall(NodeCall[None], frozen=True, kw_only=True):
    """End a transfer; a missing one is a success."""

    procedure: ClassVar[str] = "transfer_end"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    transfer: str


CALLS = (ChunkReadCall, ChunkWriteCall, TransferEndCall)
