"""Where the name of an instance stands on nodes: in the directory of its files, on its volumes."""

from collections.abc import Sequence

import msgspec

from pyganeti.master.disks.mirrors import on_secondary
from pyganeti.master.jobs.run import Log
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.disk import Disk
from pyganeti.model.errors import StorageError
from pyganeti.model.templates import NAME_IN_PATH
from pyganeti.wire.noderpc.blockdev import (
    BlockdevRenameCall,
    BlockdevSetinfoCall,
    FileStorageDirCreateCall,
    FileStorageDirRemoveCall,
)
from pyganeti.wire.noderpc.specs import DiskSpec

Pairs = Sequence[tuple[DiskSpec, DiskSpec]]


class FileMove(msgspec.Struct, frozen=True):
    """From one directory on a node to another, each made and removed for one instance."""

    source: str
    target: str

    async def make(self, nodes: NodeWriter, node: str, pairs: Pairs, log: Log) -> None:
        """Move the disks that are paired with what they become; repeatable.

        A directory in which somebody has put other files stays, and is named in the log.

        Raises:
            GenericError: a place is taken, or not allowed on the node.
        """
        await nodes.call(node, FileStorageDirCreateCall(file_storage_dir=self.target))
        await nodes.call(node, BlockdevRenameCall(disks=tuple(pairs)))
        try:
            await nodes.call(node, FileStorageDirRemoveCall(file_storage_dir=self.source))
        except StorageError as err:
            log(f"Warning: a directory is left: {err}")

    def back(self) -> "FileMove":
        """The way back."""
        return FileMove(self.target, self.source)


def file_move(
    disks: Sequence[Disk], old: str, new: str
) -> tuple[FileMove | None, tuple[Disk, ...]]:
    """How files move when their instance gets the name ``new``, and the disks as they are then.

    Disks stay as they are where the name does not stand in their path.
    """
    if old == new:
        return None, tuple(disks)
    moves = {move for disk in disks if (move := _directories(disk, old, new)) is not None}
    renamed = tuple(_renamed(disk, old, new) for disk in disks)
    # All files of an instance lie in one directory.
    return (moves.pop() if moves else None), renamed


def _directories(disk: Disk, old: str, new: str) -> FileMove | None:
    if disk.dev_type not in NAME_IN_PATH:
        return None
    directory = str(disk.logical_id[1]).rpartition("/")[0]
    above, _, name = directory.rpartition("/")
    return FileMove(directory, f"{above}/{new}") if name == old else None


def _renamed(disk: Disk, old: str, new: str) -> Disk:
    move = _directories(disk, old, new)
    if move is None:
        return disk
    name = str(disk.logical_id[1]).rpartition("/")[2]
    return msgspec.structs.replace(disk, logical_id=(disk.logical_id[0], f"{move.target}/{name}"))


async def note_owner(nodes: NodeWriter, node: str, disks: Sequence[DiskSpec], name: str) -> None:
    """Note on disks, on all nodes they lie on, which instance they belong to.

    Args:
        nodes: calls.
        node: the instance's primary node.
        disks: as they are told to it.
        name: of the instance.

    Raises:
        GenericError: it could not be noted.
    """

    def make(disk: DiskSpec) -> BlockdevSetinfoCall:
        return BlockdevSetinfoCall(disk=disk, info=name)

    for disk in disks:
        await nodes.call(node, make(disk))
        await on_secondary(nodes, disk, make)
