"""What each disk template can do.

Asked by Logical Units, verify and the allocator. Source: the disk template sets of Ganeti 3.1.
"""

from typing import Final

from .enums import DiskTemplate, StorageType

_T = DiskTemplate

STORAGE_TYPE: Final = {
    _T.BLOCKDEV: StorageType.BLOCKDEV,
    _T.DISKLESS: StorageType.DISKLESS,
    _T.DRBD: StorageType.LVM_VG,
    _T.EXT: StorageType.EXT,
    _T.FILE: StorageType.FILE,
    _T.GLUSTER: StorageType.GLUSTER,
    _T.PLAIN: StorageType.LVM_VG,
    _T.RBD: StorageType.RADOS,
    _T.SHAREDFILE: StorageType.SHAREDFILE,
}

PREFERENCE: Final = (
    _T.BLOCKDEV, _T.DISKLESS, _T.DRBD, _T.EXT, _T.FILE,
    _T.PLAIN, _T.RBD, _T.SHAREDFILE, _T.GLUSTER,
)  # fmt: skip
"""The order in which a cluster's enabled templates are tried as its default."""

DEFAULT_ENABLED: Final = (_T.DRBD, _T.PLAIN)

BLOCK: Final = frozenset({_T.BLOCKDEV, _T.DRBD, _T.EXT, _T.PLAIN, _T.RBD})
COPYABLE: Final = frozenset({_T.FILE, _T.PLAIN})
EXCLUSIVE_STORAGE: Final = frozenset({_T.PLAIN})
EXTERNALLY_MIRRORED: Final = frozenset(
    {_T.BLOCKDEV, _T.DISKLESS, _T.EXT, _T.GLUSTER, _T.RBD, _T.SHAREDFILE}
)
FILE_BASED: Final = frozenset({_T.FILE, _T.GLUSTER, _T.SHAREDFILE})
GROWABLE: Final = frozenset({_T.DRBD, _T.EXT, _T.FILE, _T.GLUSTER, _T.PLAIN, _T.RBD, _T.SHAREDFILE})
HAVE_ACCESS: Final = frozenset({_T.EXT, _T.GLUSTER, _T.RBD})
INTERNALLY_MIRRORED: Final = frozenset({_T.DRBD})
LVM: Final = frozenset({_T.DRBD, _T.PLAIN})
MAY_ADOPT: Final = frozenset({_T.BLOCKDEV, _T.PLAIN})
MIRRORED: Final = EXTERNALLY_MIRRORED | INTERNALLY_MIRRORED
MUST_ADOPT: Final = frozenset({_T.BLOCKDEV})
NAME_IN_PATH: Final = frozenset({_T.FILE, _T.SHAREDFILE})
NOT_CONVERTIBLE_FROM: Final = frozenset({_T.DISKLESS})
NOT_CONVERTIBLE_TO: Final = frozenset({_T.BLOCKDEV, _T.DISKLESS})
SNAPSHOTS: Final = frozenset({_T.DRBD, _T.EXT, _T.PLAIN})
FREE_SPACE_UNCHECKED: Final = frozenset({_T.EXT, _T.FILE, _T.GLUSTER, _T.RBD, _T.SHAREDFILE})

DRBD_META_MIB: Final = 128
"""Size of the metadata volume beside each DRBD data volume."""

MIN_VOLUME_GROUP_MIB: Final = 20 * 1024
"""The smallest volume group that a cluster takes."""

ADOPTABLE_DEVICES: Final = "/dev/disk/"
"""Where block devices have names that stay, so that instances can adopt them."""

MAX_DISKS: Final = 16
MAX_NICS: Final = 8
