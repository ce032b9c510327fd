"""Disks of an instance as disks of another template: what is made of what.

    plain -> drbd, drbd -> plain    in place: the volume stays, the mirror comes or goes
    all others                      new disks, to which the contents are copied

Source: gnt-instance(8) MODIFY (``--disk-template``); docs/design/0008-storage.md, "Conversions".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.disks.copies import size_mib
from pyganeti.master.disks.drbd import ChooseMinor, data_volume, mirrored_volume
from pyganeti.master.disks.new import (
    DiskRequest,
    Placement,
    made_disk,
    metadata_group,
    requested_disk,
    with_metadata_groups,
)
from pyganeti.master.disks.space import volume_group
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.templates import DRBD_META_MIB, LVM
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import parse_disk

_IN_PLACE: Final = frozenset({DiskTemplate.PLAIN, DiskTemplate.DRBD})


@dataclass(frozen=True, slots=True)
class Conversion:
    """Disks of one template that become disks of another.

    Attributes:
        old: as recorded.
        requests: the new ones, in order.
        where: they will lie.
        notes: how that was chosen, for the job's log.
    """

    old: tuple[Disk, ...]
    requests: tuple[DiskRequest, ...]
    where: Placement
    notes: tuple[str, ...] = ()

    @property
    def in_place(self) -> bool:
        """Whether nothing is copied."""
        return {self.old[0].dev_type, self.where.template} == _IN_PLACE

    @property
    def source(self) -> DiskTemplate:
        """The old template."""
        return self.old[0].dev_type

    @property
    def copies_to(self) -> Placement:
        """Where contents are copied to: of a mirror its volume on the primary node."""
        if self.where.template is not DiskTemplate.DRBD:
            return self.where
        return replace(self.where, template=DiskTemplate.PLAIN, secondary=None)

    def wanted(self, node: str) -> list[tuple[str | None, int]]:
        """Volume group, where there is one, and MiB of what will be made on a node."""
        found = []
        for request in self.requests:
            keeps = self.in_place and node == self.where.node
            if not keeps:
                found.append((request.vg, request.size))
            if request.metavg and self.where.template is DiskTemplate.DRBD:
                found.append((request.metavg, DRBD_META_MIB))
        return found


def wanted_disks(
    old: Sequence[Disk],
    sizes: Sequence[int],
    template: DiskTemplate,
    params: Mapping[str, object],
    view: ClusterView,
) -> tuple[DiskRequest, ...]:
    """New disks in the place of ``old``: the same sizes, modes and names.

    Args:
        old: as recorded.
        sizes: bytes that they really have.
        template: of the new ones.
        params: what else is asked for, of external storage.
        view: the cluster.

    Raises:
        OpPrereqError: ``ECode.INVAL``, the template cannot be had so.
    """
    found = []
    for disk, size in zip(old, sizes, strict=True):
        asked: dict[str, object] = {**params, "size": max(disk.size, size_mib(size))}
        asked["mode"] = disk.mode
        if disk.name is not None:
            asked["name"] = disk.name
        if template in LVM and volume_group(disk) is not None:
            asked["vg"] = volume_group(disk)
        what = disk.iv_name
        found.append(requested_disk(what, parse_disk(asked, what), template, view))
    if template is not DiskTemplate.DRBD:
        return tuple(found)
    return with_metadata_groups(found, metadata_group(view, old[0].nodes[0]))


def volumes_of(conversion: Conversion, ids: Ids, minor: ChooseMinor) -> tuple[Disk, ...]:
    """The disks that contents are copied to, or in place the volumes that have them already."""
    node = conversion.where.node
    if not conversion.in_place:
        where = conversion.copies_to
        made = tuple(
            made_disk(index, request, where, ids, minor)
            for index, request in enumerate(conversion.requests)
        )
        return made if where is conversion.where else tuple(_for_mirror(one) for one in made)
    if conversion.source is DiskTemplate.DRBD:
        return tuple(data_volume(disk, node) for disk in conversion.old)
    pairs = zip(conversion.old, conversion.requests, strict=True)
    return tuple(msgspec.structs.replace(disk, size=request.size) for disk, request in pairs)


def _for_mirror(volume: Disk) -> Disk:
    """A volume with the name that those below mirrors have."""
    group, name = volume.logical_id
    return msgspec.structs.replace(volume, logical_id=(group, f"{name}_data"))


def mirrors_of(
    volumes: Sequence[Disk],
    groups: Sequence[str],
    nodes: tuple[str, str],
    ids: Ids,
    minor: ChooseMinor,
) -> tuple[Disk, ...]:
    """DRBD disks with their data on ``volumes``, their metadata in ``groups``."""
    return tuple(
        mirrored_volume(volume, group, nodes, ids, minor)
        for volume, group in zip(volumes, groups, strict=True)
    )
