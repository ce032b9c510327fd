"""Records of an instance, its NICs and its disks as changes of devices make and undo them.

Functions from the head snapshot to a :class:`Change`, as in :mod:`pyganeti.master.changes`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.changes import Maker, at_new_primary, instance_fields
from pyganeti.master.nics.identities import with_identities, with_pool_addresses
from pyganeti.master.nics.new import check_conflicts
from pyganeti.master.ports import give_back, ports_of, with_ports
from pyganeti.model.change import Change, Kind
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskMode
from pyganeti.model.view import ClusterView

# Fields of a disk that can be changed, with new values as JSON has them.
DiskFields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DiskRecords:
    """What is to be recorded of an instance's disks.

    Attributes:
        order: their UUIDs.
        made: new ones, complete but for ports.
        detached: those that are kept without an instance.
        changed: fields of others by UUID.
    """

    order: tuple[str, ...]
    made: tuple[Disk, ...]
    detached: tuple[str, ...]
    changed: Mapping[str, DiskFields]


class OldDisks(msgspec.Struct, frozen=True):
    """What undoes a change of disks; no record of one, which may hold secrets.

    Attributes:
        order: UUIDs of the disks that the instance had.
        made: those that are new.
        changed: old values of fields by UUID.
    """

    order: tuple[str, ...]
    made: tuple[str, ...]
    changed: dict[str, dict[str, Any]]


def modify_instance(
    uuid: str,
    fields: Mapping[str, object],
    ids: Ids,
    *,
    disks: DiskRecords | None = None,
    check: bool = True,
) -> Maker:
    """Set ``fields`` of an instance; among its NICs may be new ones, without identities.

    Args:
        uuid: of the instance.
        fields: new values.
        ids: for NICs.
        disks: what becomes of its disks, if they change.
        check: refuse addresses of new NICs that others have by now.
    """

    def make(view: ClusterView) -> Change:
        instance = view.instances[uuid]
        changed = msgspec.structs.replace(instance, **fields)
        moved = at_new_primary(instance, changed, view)
        if changed.nics == instance.nics:
            return Change(puts=(changed, *moved))
        if check:
            group = view.group_of(view.node(changed.primary_node))
            check_conflicts(changed.nics, view, group, instance.nics)
        nics, networks = with_pool_addresses(instance.nics, changed.nics, view)
        changed = msgspec.structs.replace(changed, nics=with_identities(nics, view, ids))
        return Change(puts=(changed, *networks, *moved))

    return make if disks is None else _both(make, _with_disks(uuid, disks))


def restore_instance(uuid: str, fields: Mapping[str, object], disks: OldDisks | None) -> Maker:
    """Undo :func:`modify_instance`: set old values, forget new disks; nothing if it is gone.

    A disk that was removed for good meanwhile does not come back.
    """
    first = instance_fields(uuid, **fields)
    return first if disks is None else _both(first, _without_disks(uuid, disks))


def forget_disks(uuids: Iterable[str]) -> Maker:
    """Take disks that no instance has out of the configuration; their ports are free then."""

    def make(view: ClusterView) -> Change:
        disks = [view.disks[uuid] for uuid in uuids if uuid in view.disks]
        deletes = tuple((Kind.DISK, disk.uuid) for disk in disks)
        ports = ports_of(disks)
        return Change((give_back(view.cluster, ports),) if ports else (), deletes)

    return make


def _both(first: Maker, second: Maker) -> Maker:
    def make(view: ClusterView) -> Change:
        change = first(view)
        return change.and_then(second(view.apply(change)))

    return make


def _with_disks(uuid: str, disks: DiskRecords) -> Maker:
    def make(view: ClusterView) -> Change:
        instance = view.instances[uuid]
        made, cluster = with_ports(disks.made, view.cluster)
        new = {disk.uuid: disk for disk in made}
        known = [new.get(one) or view.disks[one] for one in disks.order]
        puts = _numbered(known, disks.changed, view) + _nameless(disks.detached, view)
        changed = msgspec.structs.replace(instance, disks=disks.order)
        return Change(puts=(changed, *puts, *(() if cluster == view.cluster else (cluster,))))

    return make


def _without_disks(uuid: str, disks: OldDisks) -> Maker:
    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None:
            return Change()
        kept = [view.disks[one] for one in disks.order if one in view.disks]
        restored = msgspec.structs.replace(instance, disks=tuple(disk.uuid for disk in kept))
        attached = [one for one in instance.disks if one not in (*disks.order, *disks.made)]
        puts = _numbered(kept, disks.changed, view) + _nameless(attached, view)
        return Change(puts=(restored, *puts)).and_then(forget_disks(disks.made)(view))

    return make


def _numbered(
    disks: Sequence[Disk], changed: Mapping[str, DiskFields], view: ClusterView
) -> list[Disk]:
    """Those of ``disks`` that differ from ``view`` once they have their places and new fields."""
    found = []
    for index, disk in enumerate(disks):
        fields = dict(changed.get(disk.uuid, {}))
        if "mode" in fields:
            fields["mode"] = DiskMode(fields["mode"])
        placed = msgspec.structs.replace(disk, iv_name=f"disk/{index}", **fields)
        if placed != view.disks.get(disk.uuid):
            found.append(placed)
    return found


def _nameless(uuids: Iterable[str], view: ClusterView) -> list[Disk]:
    """Disks that are nobody's, and so have no place in an instance that could name them."""
    disks = (view.disks[uuid] for uuid in uuids if uuid in view.disks)
    return [msgspec.structs.replace(disk, iv_name="") for disk in disks]
