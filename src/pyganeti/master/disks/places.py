"""Where disks lie, as what changes when they are made anew: without secrets, so that it can stand
in the journal."""

from collections.abc import Mapping

import msgspec

from pyganeti.master.changes import Maker
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk, LogicalId, drbd_id
from pyganeti.model.enums import DiskMode
from pyganeti.model.view import ClusterView


class DiskPlace(msgspec.Struct, frozen=True):
    """Where a disk lies, and how large it is there; fields as of :class:`Disk`.

    Attributes:
        logical_id: that of a DRBD disk has no secret: it keeps the one it has.
    """

    logical_id: LogicalId
    nodes: tuple[str, ...]
    children: tuple[Disk, ...]
    size: int
    mode: DiskMode
    spindles: int | None

    @classmethod
    def of(cls, disk: Disk) -> "DiskPlace":
        """The place of ``disk``."""
        found = drbd_id(disk)
        place: LogicalId = disk.logical_id if found is None else found._replace(secret="")
        return cls(place, disk.nodes, disk.children, disk.size, disk.mode, disk.spindles)

    def placed(self, disk: Disk) -> Disk:
        """``disk`` in this place."""
        found = drbd_id(disk)
        place = self.logical_id
        if found is not None:
            place = (*place[:-1], found.secret)
        return msgspec.structs.replace(
            disk,
            logical_id=place,
            nodes=self.nodes,
            children=self.children,
            size=self.size,
            mode=self.mode,
            spindles=self.spindles,
        )


def place_disks(instance: str, primary_node: str, places: Mapping[str, DiskPlace]) -> Maker:
    """Record where disks of an instance lie, and its primary node; nothing if it is gone.

    Args:
        instance: its UUID.
        primary_node: UUID.
        places: by UUID of the disk.
    """

    def make(view: ClusterView) -> Change:
        found = view.instances.get(instance)
        if found is None:
            return Change()
        disks = (
            place.placed(view.disks[uuid]) for uuid, place in places.items() if uuid in view.disks
        )
        return Change(puts=(msgspec.structs.replace(found, primary_node=primary_node), *disks))

    return make
