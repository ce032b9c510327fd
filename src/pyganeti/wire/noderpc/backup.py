"""Node calls about exports of instances. Source: docs/design/0010-backup.md."""

from typing import ClassVar

import msgspec

from .call import DAY_S, FAST_S, HOURS_4_S, NodeCall
from .specs import (
    DiskSpec,
    InstanceSpec,
)
from .transfer import RemoteFile


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """What a script wrote of a disk: bytes, and their checksum as hexadecimal digits."""

    size: int
    sha256: str


class ExportContent(msgspec.Struct, frozen=True, kw_only=True):
    """An export as it lies on a node.

    Attributes:
        config: its ``config.ini``.
        sizes: bytes of each file in it.
        sums: checksums of files, of an export of ours.
    """

    config: str
    sizes: dict[str, int]
    sums: dict[str, str]


class ExportListCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Names of the exports that the node keeps, sorted.

    Raises: OpExecError, the directory of exports is missing or cannot be read.
    """

    procedure: ClassVar[str] = "export_list"
    timeout_s: ClassVar[float] = FAST_S


class ExportRemoveCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove an export; a missing one is a success.

    Raises: OpExecError, something cannot be removed; what is left is no export any more.
    """

    procedure: ClassVar[str] = "export_remove"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str


class ExportBeginCall(NodeCall[None], frozen=True, kw_only=True):
    """Make a hidden directory for a new export, empty, and let another node write into it.

    Attributes:
        export: its name.
        transfer: under which the other node writes.
        source: UUID of that node.
        files: what it may write.
    """

    procedure: ClassVar[str] = "export_begin"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str
    transfer: str
    source: str
    files: tuple[str, ...]


class ExportStartCall(NodeCall[Dump], frozen=True, kw_only=True):
    """Run the export script of the instance's OS for one disk, and send what it writes.

    Attributes:
        instance: all its disks are usable on this node.
        index: which disk.
        device: what is read: the disk, or a snapshot of it.
        target: where the dump goes.

    Raises: InvalidOS; OpExecError, the script failed, or the target cannot write.
    """

    procedure: ClassVar[str] = "export_start"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    instance: InstanceSpec
    index: int
    device: DiskSpec
    target: RemoteFile
    debug: int = 0


class FinalizeExportCall(NodeCall[None], frozen=True, kw_only=True):
    """Complete the hidden directory of a new export, durably, and end the transfer.

    Raises: OpExecError, a dump is not as long as it was sent.
    """

    procedure: ClassVar[str] = "finalize_export"
    timeout_s: ClassVar[float] = HOURS_4_S
    changes: ClassVar[bool] = True

    export: str
    transfer: str
    config: str
    dumps: dict[str, Dump]


class ExportPublishCall(NodeCall[None], frozen=True, kw_only=True):
    """Give a complete export its name; an older one of that name is hidden and kept."""

    procedure: ClassVar[str] = "export_publish"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str


class ExportAbandonCall(NodeCall[None], frozen=True, kw_only=True):
    """Undo the making of an export, whatever was done of it; the older one is back then."""

    procedure: ClassVar[str] = "export_abandon"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str
    transfer: str


class ExportSettleCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove the older export that a new one has replaced."""

    procedure: ClassVar[str] = "export_settle"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str


class ExportInfoCall(NodeCall[ExportContent], frozen=True, kw_only=True):
    """What an export has, by name or by its path below the directory of exports.

    Raises: OpExecError, there is none, or it lies elsewhere.
    """

    procedure: ClassVar[str] = "export_info"
    timeout_s: ClassVar[float] = FAST_S

    path: str


class ExportOfferCall(NodeCall[None], frozen=True, kw_only=True):
    """Let another node read files of an export.

    Attributes:
        path: as of ``export_info``.
        transfer: under which the other node reads.
        reader: UUID of that node.
    """

    procedure: ClassVar[str] = "export_offer"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    path: str
    transfer: str
    reader: str
    files: tuple[str, ...]


class ImportStartCall(NodeCall[None], frozen=True, kw_only=True):
    """Run the import script of the instance's OS for one disk, with a dump from another node.

    Attributes:
        instance: all its disks are usable on this node.
        index: which disk.
        source: where the dump is.
        dump: what it must be; without a checksum only as long.

    Raises: InvalidOS; OpExecError, the script failed, or the dump is damaged.
    """

    procedure: ClassVar[str] = "import_start"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    instance: InstanceSpec
    index: int
    source: RemoteFile
    dump: Dump
    debug: int = 0


CALLS = (
    ExportAbandonCall,
    ExportBeginCall,
    ExportInfoCall,
    ExportListCall,
    ExportOfferCall,
    ExportPublishCall,
    ExportRemoveCall,
    ExportSettleCall,
    ExportStartCall,
    FinalizeExportCall,
    ImportStartCall,
)
