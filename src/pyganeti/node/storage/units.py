"""Storage units of a node, for ``gnt-node list-storage`` and its sisters.

    volume groups and physical volumes -> LVM's programs; directories -> what lies there

Source: gnt-node(8) LIST-STORAGE, MODIFY-STORAGE, REPAIR-STORAGE, VOLUMES.
"""

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import StorageError
from pyganeti.wire.noderpc.disks import StorageInfo, StorageUnit
from pyganeti.wire.noderpc.units import StorageListCall, UnitDetails, VolumePiece

from .base import MIB
from .lvm.tools import Lvm, PhysicalVolume, VolumeGroup, checked

# What st_blocks counts in, whatever the file system's blocks are.
_BLOCK: Final = 512

# Space of a unit: see ``Storage.space``.
Space = Callable[[StorageUnit], Awaitable[StorageInfo]]


class StorageUnits:
    """The units of one node.

    Args:
        lvm: LVM's programs.
        space: of directories.
        local: where a directory lies on this node.
    """

    def __init__(self, lvm: Lvm, space: Space, local: Callable[[str], str]) -> None:
        self._lvm = lvm
        self._space = space
        self._local = local

    async def list(self, call: StorageListCall) -> tuple[UnitDetails, ...]:
        """See ``StorageListCall``."""
        if call.storage_type == "lvm-vg":
            found = [_of_group(group) for group in await self._lvm.groups()]
        elif call.storage_type == "lvm-pv":
            found = [_of_physical(one) for one in await self._lvm.all_physical_volumes()]
        else:
            wanted = (one for one in call.directories if call.name in (None, one))
            return tuple([await self._directory(call.storage_type, one) for one in wanted])
        return tuple(one for one in found if call.name in (None, one.name))

    async def _directory(self, storage_type: str, path: str) -> UnitDetails:
        space = await self._space(StorageUnit(type=storage_type, name=path))
        used = await in_thread(directory_size, self._local(path))
        return UnitDetails(
            name=path,
            size=space.storage_size or 0,
            used=-(-used // MIB),
            free=space.storage_free or 0,
        )

    async def set_allocatable(self, name: str, *, allocatable: bool) -> None:
        """See ``StorageModifyCall``; one that is so is left alone."""
        known = {one.name: one for one in await self._lvm.all_physical_volumes()}
        if name not in known:
            raise StorageError(f"there is no physical volume {name!r}")
        if known[name].allocatable != allocatable:
            flag = "y" if allocatable else "n"
            await self._lvm.change("pvchange", "--allocatable", flag, name)

    async def remove_missing(self, name: str) -> None:
        """See ``StorageExecuteCall``; a group that is whole is left alone."""
        group = await self._lvm.group(name)
        if group.partial:
            await self._lvm.change("vgreduce", "--removemissing", checked(name))

    async def volumes(self) -> tuple[VolumePiece, ...]:
        """See ``NodeVolumesCall``."""
        return tuple(
            VolumePiece(group=one.group, name=one.name, size=-(-one.size // MIB), device=one.device)
            for one in await self._lvm.pieces()
        )


def _of_group(group: VolumeGroup) -> UnitDetails:
    return UnitDetails(
        name=group.name,
        size=group.size // MIB,
        used=(group.size - group.free) // MIB,
        free=group.free // MIB,
    )


def _of_physical(one: PhysicalVolume) -> UnitDetails:
    return UnitDetails(
        name=one.name,
        size=one.size // MIB,
        used=(one.size - one.free) // MIB,
        free=one.free // MIB,
        allocatable=one.allocatable,
    )


def directory_size(path: str) -> int:
    """Bytes that the files below ``path`` take on the disk; blocking.

    Holes take none, and links are not followed. What vanishes meanwhile counts as nothing.
    """
    return sum(_sizes(path))


def _sizes(path: str) -> Iterable[int]:
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                yield os.lstat(os.path.join(directory, name)).st_blocks * _BLOCK
            except OSError:
                continue
