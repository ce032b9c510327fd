"""Changes of an instance's disks: by position, name or UUID. Pure.

Source: gnt-instance(8) MODIFY (``--disk``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pyganeti.master.disks.ext import provider_params
from pyganeti.master.disks.new import NO_NAME, DiskRequest, chosen_template, requested_disk
from pyganeti.master.instances.device_edits import GONE, Edit, edited
from pyganeti.master.instances.device_names import check_device_names
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskMode, DiskTemplate, ListChange
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.state_disks import behind, is_state, seen
from pyganeti.model.templates import EXTERNALLY_MIRRORED, MAX_DISKS, MUST_ADOPT
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import DeviceChange, device_changes, parse_disk

# What of a disk can be changed, and what to use instead for what cannot.
_CHANGEABLE: Final = ("mode", "name")
_INSTEAD: Final = {"size": "grow-disk"}
# As a parameter of a storage provider: the disk has none any more.
_FORGET: Final = "default"


@dataclass(frozen=True, slots=True)
class ChangedDisks:
    """What becomes of an instance's disks.

    Attributes:
        template: of new ones.
        final: the disks in order; new ones as far as they are known, by a made-up UUID.
        requests: of the new ones that stay, by that UUID.
        changed: new values of fields by UUID.
        removed: those that are removed for good.
        edits: what was done, in order.
    """

    template: DiskTemplate
    final: tuple[Disk, ...]
    requests: dict[str, DiskRequest]
    changed: dict[str, dict[str, Any]]  # Any: JSON values of the fields
    removed: tuple[Disk, ...]
    edits: tuple[Edit[Disk], ...]

    @property
    def gone(self) -> tuple[Disk, ...]:
        """Disks that the instance had and has not any more, detached ones too."""
        kept = {disk.uuid for disk in self.final}
        found = (edit.device for edit in self.edits if edit.action in GONE)
        return tuple(disk for disk in found if disk.uuid not in kept and disk.logical_id)


def changed_disks(
    instance: Instance, mods: Sequence[tuple[object, ...]], view: ClusterView
) -> ChangedDisks:
    """Disks after the changes of an opcode.

    Raises:
        OpPrereqError: a change is not possible.
    """
    before = view.disks_of(instance)
    changes = device_changes(mods, "disks")
    template = _template(before, changes, view)
    requests: dict[str, DiskRequest] = {}

    def make(what: str, disk: Disk | None, change: DeviceChange) -> Disk:
        if change.action is ListChange.ATTACH:
            return _attachable(what, change, instance, before, view)
        if disk is not None:
            return msgspec.structs.replace(disk, **_changes(what, change, disk))
        uuid = f"new-{len(requests)}"
        requests[uuid] = _requested(what, change, template, view)
        return _planned(uuid, template, requests[uuid], instance)

    final, edits = edited(before, changes, kind="disk", most=MAX_DISKS, make=make, end=_end)
    final = behind(final)
    check_device_names("disks", final, [disk.uuid for disk in final])
    kept = {disk.uuid for disk in final}
    had = {disk.uuid: disk for disk in before}
    changed = {
        disk.uuid: {name: getattr(disk, name) for name in (*_CHANGEABLE, "params")}
        for disk in final
        if disk.uuid in had and disk != had[disk.uuid]
    }
    removed = tuple(
        edit.device
        for edit in edits
        if edit.action is ListChange.REMOVE and edit.device.uuid in view.disks
    )
    wanted = {uuid: request for uuid, request in requests.items() if uuid in kept}
    return ChangedDisks(template, final, wanted, changed, removed, edits)


def _end(disks: Sequence[Disk]) -> int:
    """The place of a new last disk: before those that the guest does not see."""
    return len(seen(disks))


def _template(
    before: Sequence[Disk], changes: Sequence[DeviceChange], view: ClusterView
) -> DiskTemplate:
    """The template of new disks: that of those there are."""
    if not any(change.action is ListChange.ADD for change in changes):
        return before[0].dev_type if before else DiskTemplate.DISKLESS
    asked = {
        asked.dev_type
        for change in changes
        if change.action is ListChange.ADD
        and (asked := parse_disk(change.params, "disk")).dev_type is not None
    }
    templates = asked | {disk.dev_type for disk in before}
    if len(templates) > 1:
        names = ", ".join(sorted(str(one) for one in templates))
        text = f"all disks of an instance have one disk template, these would have {names}"
        raise OpPrereqError(text, ECode.INVAL)
    template = chosen_template(templates.pop() if templates else None, view)
    if template in MUST_ADOPT or template is DiskTemplate.DISKLESS:
        text = f"disks of the template {template} cannot be added to an instance"
        raise OpPrereqError(text, ECode.INVAL)
    return template


def _requested(
    what: str, change: DeviceChange, template: DiskTemplate, view: ClusterView
) -> DiskRequest:
    params = {key: value for key, value in change.params.items() if key != "dev_type"}
    request = requested_disk(what, parse_disk(params, what), template, view)
    if request.adopt is not None:
        text = f"{what}: volumes are adopted by new instances only"
        raise OpPrereqError(text, ECode.INVAL)
    return request


def _planned(uuid: str, template: DiskTemplate, request: DiskRequest, instance: Instance) -> Disk:
    return Disk(
        uuid=uuid,
        dev_type=template,
        logical_id=(),
        size=request.size,
        nodes=(instance.primary_node,),
        mode=request.mode,
        name=request.name,
        spindles=request.spindles,
    )


def _changes(what: str, change: DeviceChange, disk: Disk) -> dict[str, Any]:
    asked = parse_disk(change.params, what)
    is_ext = disk.dev_type is DiskTemplate.EXT
    for key in change.params:
        if key not in _CHANGEABLE and not (is_ext and key in asked.opaque):
            instead = f", use {_INSTEAD[key]}" if key in _INSTEAD else ""
            raise OpPrereqError(f"{what}: {key!r} cannot be changed{instead}", ECode.INVAL)
    found: dict[str, Any] = {}
    if asked.mode is not None:
        found["mode"] = DiskMode(asked.mode)
    if "name" in change.params:
        found["name"] = None if asked.name in NO_NAME else asked.name
        _refuse_other_use(what, disk.name, found["name"])
    if asked.opaque:
        params = {**(disk.params or {}), **provider_params(what, asked)}
        found["params"] = {key: value for key, value in params.items() if value != _FORGET} or None
    return found


def _refuse_other_use(what: str, old: str | None, new: str | None) -> None:
    """Refuse a name that would show a disk to the guest, or give the guest's to its firmware."""
    if old != new and (is_state(old) or is_state(new)):
        name = old if is_state(old) else new
        text = f"{what}: the name {name} says what a disk is for: none can get or lose it"
        raise OpPrereqError(text, ECode.INVAL)


def _attachable(
    what: str,
    change: DeviceChange,
    instance: Instance,
    before: Sequence[Disk],
    view: ClusterView,
) -> Disk:
    keys = sorted(change.params)
    if keys not in (["name"], ["uuid"]):
        text = f"{what}: to attach one give its name or its uuid, and nothing else"
        raise OpPrereqError(text, ECode.INVAL)
    value = change.params[keys[0]]
    found = [disk for disk in view.disks.values() if getattr(disk, keys[0]) == value]
    free = [disk for disk in found if view.owner_of_disk(disk.uuid) is None]
    if not found:
        raise OpPrereqError(f"{what}: there is no disk {value!r}", ECode.NOENT)
    if len(free) != 1:
        why = "has an instance" if not free else "may be one of several, give its uuid"
        raise OpPrereqError(f"{what}: disk {value!r} {why}", ECode.STATE)
    (disk,) = free
    if any(one.dev_type is not disk.dev_type for one in before):
        text = f"{what}: disk {value!r} is of template {disk.dev_type}, the instance's are not"
        raise OpPrereqError(text, ECode.INVAL)
    own = {instance.primary_node, *view.secondary_node_uuids(instance)}
    there = instance.primary_node in disk.nodes and (not before or own == set(disk.nodes))
    if not there and disk.dev_type not in EXTERNALLY_MIRRORED:
        names = ", ".join(view.node(node).name for node in disk.nodes)
        text = f"{what}: disk {value!r} lies on {names}, not on the nodes of the instance"
        raise OpPrereqError(text, ECode.INVAL)
    return disk


def disk_lines(edits: Sequence[Edit[Disk]]) -> Iterator[tuple[str, str | None]]:
    """What became of disks, as the opcode's result has it."""
    for edit in edits:
        disk, place = edit.device, f"disk/{edit.index}"
        if edit.action in GONE:
            yield place, str(edit.action)
        elif edit.action is ListChange.MODIFY:
            for key in edit.given:
                fields = {name: getattr(disk, name) for name in _CHANGEABLE}
                yield f"disk.{key}/{edit.index}", {**(disk.params or {}), **fields}.get(key)
        else:
            yield place, f"{edit.action}:size={disk.size},mode={disk.mode}"
