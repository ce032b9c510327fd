"""Node calls about storage units: volume groups, physical volumes, directories."""

from typing import ClassVar

from .call import FAST_S, NORMAL_S, NodeCall
from .struct import Struct


class UnitDetails(Struct, frozen=True, kw_only=True):
    """A storage unit as lists show it; sizes in MiB.

    Attributes:
        name: of a volume group, path of a physical volume or a directory.
        used: of a directory what its files take, elsewhere what is not free.
        allocatable: whether new volumes may be put on it.
    """

    name: str
    size: int
    used: int
    free: int
    allocatable: bool = True


class VolumePiece(Struct, frozen=True, kw_only=True):
    """A logical volume on one of its physical volumes; size in MiB, of the whole volume."""

    group: str
    name: str
    size: int
    device: str


class StorageListCall(NodeCall[tuple[UnitDetails, ...]], frozen=True, kw_only=True):
    """All storage units of a type, or the one called ``name``.

    Attributes:
        storage_type: one of those that nodes report.
        directories: of types that are directories, those of the cluster.
        name: of the one that is wanted.

    Raises: StorageError, the node cannot tell.
    """

    procedure: ClassVar[str] = "storage_list"
    timeout_s: ClassVar[float] = NORMAL_S

    storage_type: str
    directories: tuple[str, ...] = ()
    name: str | None = None


class StorageModifyCall(NodeCall[None], frozen=True, kw_only=True):
    """Allow or forbid new volumes on the physical volume ``name``.

    Raises: StorageError, there is no such physical volume, or LVM refuses.
    """

    procedure: ClassVar[str] = "storage_modify"
    timeout_s: ClassVar[float] = NORMAL_S
    changes: ClassVar[bool] = True

    name: str
    allocatable: bool


class StorageExecuteCall(NodeCall[None], frozen=True, kw_only=True):
    """Take physical volumes that are missing out of the volume group ``name``.

    Raises: StorageError, there is no such group, or LVM refuses.
    """

    procedure: ClassVar[str] = "storage_execute"
    timeout_s: ClassVar[float] = NORMAL_S
    changes: ClassVar[bool] = True

    name: str


class NodeVolumesCall(NodeCall[tuple[VolumePiece, ...]], frozen=True, kw_only=True):
    """All logical volumes of all groups, once for each physical volume that they lie on.

    Raises: StorageError, the node cannot tell.
    """

    procedure: ClassVar[str] = "node_volumes"
    timeout_s: ClassVar[float] = FAST_S


CALLS = (NodeVolumesCall, StorageExecuteCall, StorageListCall, StorageModifyCall)
