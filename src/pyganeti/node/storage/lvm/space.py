"""Space of volume groups: as one counts it who shares physical volumes, or gets them whole."""

from pyganeti.node.storage.base import MIB
from pyganeti.wire.noderpc.disks import StorageInfo

from .exclusive import empty, usable
from .tools import Lvm


class ExclusiveSpace:
    """Space that new disks can have whose physical volumes are theirs alone. A ``SpaceReader``."""

    def __init__(self, lvm: Lvm) -> None:
        self._lvm = lvm

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~pyganeti.node.storage.base.SpaceReader.space`; of a volume group."""
        await self._lvm.group(name)
        volumes = await self._lvm.physical_volumes(name)
        each = usable(volumes) // MIB
        return StorageInfo(
            type="lvm-vg",
            name=name,
            storage_free=len(empty(volumes)) * each,
            storage_size=len(volumes) * each,
        )


class Spindles:
    """Physical volumes of a group: how many, and how many are empty. A ``SpaceReader``."""

    def __init__(self, lvm: Lvm) -> None:
        self._lvm = lvm

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~pyganeti.node.storage.base.SpaceReader.space`; numbers, no sizes."""
        await self._lvm.group(name)
        volumes = await self._lvm.physical_volumes(name)
        return StorageInfo(
            type="lvm-pv",
            name=name,
            storage_free=len(empty(volumes)),
            storage_size=len(volumes),
        )
