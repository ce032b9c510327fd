"""Node calls about disks and the directories they lie in."""

from typing import ClassVar

from .call import DAY_S, FAST_S, SLOW_S, URGENT_S, NodeCall
from .disks import (
    BlockDevice,
    MirrorStatus,
    Volume,
)
from .specs import (
    DiskSpec,
    InstanceSpec,
)


class BlockdevCreateCall(NodeCall[str], frozen=True, kw_only=True):
    """Make a disk; the answer is an identifier to keep, mostly empty.

    Of a mirrored one, the primary's part is the one whose content counts. A disk that this instance
    has there already, with the same size, is a success: its creation was repeated. With ``on_data``
    its data volume is there already, and what is on it counts; an error leaves that.
    Raises: BlockDeviceError or StorageError; nothing of it is left.
    """

    procedure: ClassVar[str] = "blockdev_create"
    timeout_s: ClassVar[float] = SLOW_S
    changes: ClassVar[bool] = True

    disk: DiskSpec
    owner: str
    on_primary: bool = True
    info: str = ""
    on_data: bool = False


class BlockdevRemoveCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove a disk; a missing one is a success."""

    procedure: ClassVar[str] = "blockdev_remove"
    timeout_s: ClassVar[float] = SLOW_S
    changes: ClassVar[bool] = True

    disk: DiskSpec


class BlockdevAssembleCall(NodeCall[BlockDevice], frozen=True, kw_only=True):
    """Make a disk usable and, on the primary node, link it for the guest.

    Raises: BlockDeviceError, it is not there.
    """

    procedure: ClassVar[str] = "blockdev_assemble"
    changes: ClassVar[bool] = True

    disk: DiskSpec
    instance: InstanceSpec
    on_primary: bool
    index: int


class BlockdevOpenCall(NodeCall[None], frozen=True, kw_only=True):
    """Let the node's guest write to disks that are assembled.

    With ``exclusive`` the peer of a mirrored disk may not, and one that does is an error. Without,
    as a migration needs it, it may once both nodes were told so; call the node that writes first.
    """

    procedure: ClassVar[str] = "blockdev_open"
    changes: ClassVar[bool] = True

    disks: tuple[DiskSpec, ...]
    instance_name: str
    exclusive: bool = True


class BlockdevCloseCall(NodeCall[None], frozen=True, kw_only=True):
    """Let the node write no more to disks, which stay assembled but lose their links.

    Raises: one is in use.
    """

    procedure: ClassVar[str] = "blockdev_close"
    changes: ClassVar[bool] = True

    disks: tuple[DiskSpec, ...]
    instance_name: str


class BlockdevShutdownCall(NodeCall[None], frozen=True, kw_only=True):
    """Undo what assembling did, the link of disk ``index`` of ``instance_name`` included."""

    procedure: ClassVar[str] = "blockdev_shutdown"
    changes: ClassVar[bool] = True

    disk: DiskSpec
    instance_name: str = ""
    index: int = 0


class BlockdevWipeCall(NodeCall[None], frozen=True, kw_only=True):
    """Overwrite ``size`` MiB from ``offset`` MiB with zeroes, for good."""

    procedure: ClassVar[str] = "blockdev_wipe"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    disk: DiskSpec
    offset: int = 0
    size: int


class BlockdevGrowCall(NodeCall[None], frozen=True, kw_only=True):
    """Make the disk, now of ``disk.size`` MiB, ``amount`` MiB larger.

    One that has the new size already is a success. Of a mirrored one, first what is below on both
    nodes, then, without ``backingstore``, the device on one. Raises: BlockDeviceError.
    """

    procedure: ClassVar[str] = "blockdev_grow"
    timeout_s: ClassVar[float] = SLOW_S
    changes: ClassVar[bool] = True

    disk: DiskSpec
    amount: int
    dryrun: bool = False
    backingstore: bool = True


class BlockdevRenameCall(NodeCall[None], frozen=True, kw_only=True):
    """Give each disk the place, and the UUID, of the one it is paired with; repeatable.

    Raises: BlockDeviceError; those before it in order are renamed then.
    """

    procedure: ClassVar[str] = "blockdev_rename"
    changes: ClassVar[bool] = True

    disks: tuple[tuple[DiskSpec, DiskSpec], ...]


class BlockdevSetinfoCall(NodeCall[None], frozen=True, kw_only=True):
    """Note on a disk whose it is, where administrators can see it."""

    procedure: ClassVar[str] = "blockdev_setinfo"
    changes: ClassVar[bool] = True

    disk: DiskSpec
    info: str


class BlockdevSnapshotCall(NodeCall[None], frozen=True, kw_only=True):
    """Make ``snapshot``, a disk with what is on ``disk`` now; ``blockdev_remove`` removes it.

    Raises: BlockDeviceError, its template has no snapshots; StorageError, there is no room.
    """

    procedure: ClassVar[str] = "blockdev_snapshot"
    timeout_s: ClassVar[float] = SLOW_S
    changes: ClassVar[bool] = True

    disk: DiskSpec
    snapshot: DiskSpec


class LvListCall(NodeCall[tuple[Volume, ...]], frozen=True, kw_only=True):
    """All logical volumes of some volume groups. Raises: StorageError, there is no such group."""

    procedure: ClassVar[str] = "lv_list"

    vg_names: tuple[str, ...]


class BdevSizesCall(NodeCall[dict[str, int]], frozen=True, kw_only=True):
    """Size in MiB of block devices that could be adopted.

    Raises: StorageError, one is none, has no stable name or is in use.
    """

    procedure: ClassVar[str] = "bdev_sizes"

    devices: tuple[str, ...]


class VgListCall(NodeCall[dict[str, int]], frozen=True, kw_only=True):
    """Size of each volume group in MiB."""

    procedure: ClassVar[str] = "vg_list"


class BlockdevGetdimensionsCall(
    NodeCall[tuple[tuple[int, int | None] | None, ...]], frozen=True, kw_only=True
):
    """Size in bytes and spindles of each disk, null for one that is not there; in order.

    ``spindles``: count the physical volumes of logical ones; otherwise that is null too.
    """

    procedure: ClassVar[str] = "blockdev_getdimensions"

    disks: tuple[DiskSpec, ...]
    spindles: bool = False


class BlockdevFindCall(NodeCall[BlockDevice | None], frozen=True, kw_only=True):
    """The disk if it is there and usable; changes nothing."""

    procedure: ClassVar[str] = "blockdev_find"

    disk: DiskSpec


class BlockdevRemovechildrenCall(NodeCall[None], frozen=True, kw_only=True):
    """Take the node's part out of a mirrored disk, which goes on with its peer's.

    Raises: BlockDeviceError, the peer's is no good.
    """

    procedure: ClassVar[str] = "blockdev_removechildren"
    changes: ClassVar[bool] = True

    disk: DiskSpec


class BlockdevAddchildrenCall(NodeCall[None], frozen=True, kw_only=True):
    """Make the volumes of a mirrored disk its node's part, to be filled from its peer's."""

    procedure: ClassVar[str] = "blockdev_addchildren"
    changes: ClassVar[bool] = True

    disk: DiskSpec


class BlockdevGetmirrorstatusCall(
    NodeCall[tuple[MirrorStatus | None, ...]], frozen=True, kw_only=True
):
    """How the node sees mirrored disks, null for one that is not active; in order."""

    procedure: ClassVar[str] = "blockdev_getmirrorstatus"
    timeout_s: ClassVar[float] = URGENT_S

    disks: tuple[DiskSpec, ...]


class DrbdHelperCall(NodeCall[str], frozen=True, kw_only=True):
    """The program that DRBD calls on events. Raises: BlockDeviceError, there is no DRBD."""

    procedure: ClassVar[str] = "drbd_helper"
    timeout_s: ClassVar[float] = URGENT_S


class DrbdWaitSyncCall(NodeCall[None], frozen=True, kw_only=True):
    """Wait until mirrored disks are in sync, or only until they have met their peers.

    Raises: BlockDeviceError, one is degraded and does not sync.
    """

    procedure: ClassVar[str] = "drbd_wait_sync"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    disks: tuple[DiskSpec, ...]
    complete: bool = True


class FileStorageDirCreateCall(NodeCall[None], frozen=True, kw_only=True):
    """Make the directory of an instance's files; one that exists is a success.

    Raises: FileStoragePathError, it is not below an allowed directory.
    """

    procedure: ClassVar[str] = "file_storage_dir_create"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    file_storage_dir: str


class FileStorageDirRemoveCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove the directory if it is empty; a missing one is a success.

    With it go those above it that are empty then, but for ``below`` and what is above that.

    Raises: FileStoragePathError; StorageError, it is not empty.
    """

    procedure: ClassVar[str] = "file_storage_dir_remove"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    file_storage_dir: str
    below: str | None = None


CALLS = (
    BdevSizesCall,
    BlockdevAddchildrenCall,
    BlockdevAssembleCall,
    BlockdevCloseCall,
    BlockdevCreateCall,
    BlockdevFindCall,
    BlockdevGetdimensionsCall,
    BlockdevGetmirrorstatusCall,
    BlockdevGrowCall,
    BlockdevOpenCall,
    BlockdevRemoveCall,
    BlockdevRemovechildrenCall,
    BlockdevRenameCall,
    BlockdevSetinfoCall,
    BlockdevShutdownCall,
    BlockdevSnapshotCall,
    BlockdevWipeCall,
    DrbdHelperCall,
    DrbdWaitSyncCall,
    FileStorageDirCreateCall,
    FileStorageDirRemoveCall,
    LvListCall,
    VgListCall,
)
