"""What nodes say about storage and disks."""

from enum import IntEnum

import msgspec

from .struct import Struct


class StorageUnit(Struct, frozen=True, kw_only=True):
    """A place disks lie in: ``file`` with its directory, ``lvm-vg`` with its name, ...

    Attributes:
        exclusive: what is free counts for disks only that share no physical volume.
    """

    type: str
    name: str
    exclusive: bool = False


class StorageInfo(Struct, frozen=True, kw_only=True):
    """Space of a storage unit in MiB; ``None`` where the unit cannot tell.

    Of ``lvm-pv`` it is a number of physical volumes.
    """

    type: str
    name: str
    storage_free: int | None = None
    storage_size: int | None = None


class BlockDevice(Struct, frozen=True, kw_only=True):
    """An assembled or found block device; size in bytes.

    Attributes:
        path: empty where guests reach it by a URI only.
        uris: how they do so, by hypervisor.
    """

    path: str
    size: int
    link: str = ""
    uris: dict[str, str] = msgspec.field(default_factory=dict)


class LocalDisk(IntEnum):
    """How good a node's part of a mirrored disk is; the numbers are what clients read."""

    OKAY = 1
    SYNC = 2
    UNKNOWN = 3
    FAULTY = 4


class MirrorStatus(Struct, frozen=True, kw_only=True):
    """A mirrored disk as one of its nodes sees it; sizes in bytes.

    Attributes:
        primary: the node may write.
        connected: what it writes reaches the peer.
        standalone: it has no connection and looks for none.
        sync_percent: how much is the same on both; ``None`` when it does not sync.
        estimated_s: until it is in sync, if that can be told.
        degraded: the loss of one node would now lose something.
        generations: of what is on a disk without its peer, in hexadecimal digits: the current one
            first, then those it comes from. Empty where they cannot be told.
    """

    path: str
    minor: int
    size: int
    primary: bool
    connected: bool
    standalone: bool
    syncing: bool
    sync_percent: float | None
    out_of_sync: int
    estimated_s: int | None
    degraded: bool
    local_disk: LocalDisk
    generations: tuple[str, ...] = ()


class Volume(Struct, frozen=True, kw_only=True):
    """A logical volume found on a node; size in MiB.

    Attributes:
        active: its device is there.
        in_use: somebody has the device open.
        faulty: virtual, or with a physical volume missing.
    """

    group: str
    name: str
    size: int
    active: bool
    in_use: bool
    faulty: bool
