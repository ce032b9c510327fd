"""Node calls by which the content of disks gets to other disks, on the same node or another.

The master lets one node write (``blockdev_accept``) and starts a task on the other
(``blockdev_send``), which makes the calls ``block_sums`` and ``block_write``; within a node one
task does it all (``blockdev_convert``). Source: docs/design/0009-moving.md, "Copies of disks".
"""

from typing import ClassVar

import msgspec

from .call import DAY_S, FAST_S, HOURS_4_S, NodeCall
from .specs import DiskSpec
from .transfer import RemoteFile


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a copy, in bytes: how much there is, and how much had to be written."""

    size: int
    written: int


class BlockdevAcceptCall(NodeCall[None], frozen=True, kw_only=True):
    """Make disks usable, and let another node write what is to be on them.

    Attributes:
        transfer: under which it does; its files are the disks by UUID.
        source: UUID of that node.
        disks: as they are told to this node.
        sizes: bytes that will be written of each; what it has beyond is made zeroes.

    Raises: BlockDeviceError or StorageError, one is not there.
    """

    procedure: ClassVar[str] = "blockdev_accept"
    changes: ClassVar[bool] = True

    transfer: str
    source: str
    disks: tuple[DiskSpec, ...]
    sizes: tuple[int, ...]


class BlockdevSendCall(NodeCall[Copied], frozen=True, kw_only=True):
    """Send what is on a disk to another node.

    Attributes:
        disk: which nobody writes to meanwhile.
        target: where it goes.
        compare: look first what is there already, and send what differs.

    Raises: OpExecError, the target is smaller, cannot write, or is away too long.
    """

    procedure: ClassVar[str] = "blockdev_send"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    disk: DiskSpec
    target: RemoteFile
    compare: bool


class BlockdevConvertCall(NodeCall[Copied], frozen=True, kw_only=True):
    """Write what is on a disk to another disk of this node, durably; arguments as for sending.

    Raises: OpExecError, the new disk is smaller.
    """

    procedure: ClassVar[str] = "blockdev_convert"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    disk: DiskSpec
    new: DiskSpec
    compare: bool


class BlockSumsCall(NodeCall[tuple[bytes, ...]], frozen=True, kw_only=True):
    """Checksums of the pieces of a disk that an open transfer has; none beyond its end.

    Raises: OpExecError, the transfer is not open to the caller.
    """

    procedure: ClassVar[str] = "block_sums"
    timeout_s: ClassVar[float] = FAST_S
    open_to_members: ClassVar[bool] = True

    transfer: str
    file: str
    offset: int
    size: int


class BlockWriteCall(NodeCall[None], frozen=True, kw_only=True):
    """Put bytes onto a disk of an open transfer. Repeatable, since it says where.

    Raises: OpExecError, the transfer is not open to the caller, or that is beyond the disk's end.
    """

    procedure: ClassVar[str] = "block_write"
    timeout_s: ClassVar[float] = FAST_S
    open_to_members: ClassVar[bool] = True

    transfer: str
    file: str
    offset: int
    data: bytes
    compress: str = "none"


class TransferSyncCall(NodeCall[None], frozen=True, kw_only=True):
    """Bring what was written to the disks of an open transfer to where a power cut leaves it.

    Raises: OpExecError, it is not open: the node was started since, and may have lost something.
    """

    procedure: ClassVar[str] = "transfer_sync"
    timeout_s: ClassVar[float] = HOURS_4_S
    changes: ClassVar[bool] = True

    transfer: str


CALLS = (
    BlockSumsCall,
    BlockWriteCall,
    BlockdevAcceptCall,
    BlockdevConvertCall,
    BlockdevSendCall,
    TransferSyncCall,
)
