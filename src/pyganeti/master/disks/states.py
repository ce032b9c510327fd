"""Disks that keep what a guest's machine remembers, for requests that need and do not name them.

    gnt-instance add, modify ── with_states, with_state_changes ── the request as if it named them

So all that comes after has nothing special to know. Pure. Source: docs/design/0012-firmware.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from pyganeti.master.disks.space import volume_group
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, ListChange
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.params.hv import (
    check_instance_hvparams,
    fill_hvparams,
    updated_instance_hvparams,
)
from pyganeti.model.params.kinds import Values
from pyganeti.model.state_disks import SIZE_MIB, NamedDisk, is_state, lacking
from pyganeti.model.templates import MUST_ADOPT
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import LAST
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceSetParams

Request = Mapping[str, object]

# What is not taken over from an instance's first disk: it is that disk's own. The node itself
# works with these disks, so the guest must not reach past it.
_OWN: Final = frozenset({"access", "adopt", "mode", "name", "size", "spindles"})


def with_states(op: OpInstanceCreate, view: ClusterView) -> OpInstanceCreate:
    """``op`` with the disks that the new instance must have besides those it asks for.

    Raises:
        OpPrereqError: ``ECode.INVAL``, they cannot be made.
    """
    names = [request.get("name") for request in op.disks]
    missing = lacking(_wanted_hvparams(op, view), [str(name) for name in names if name])
    if missing:
        template = op.disk_template or view.cluster.enabled_disk_templates[0]
        adopts = any(request.get("adopt") for request in op.disks)
        if template in MUST_ADOPT or adopts:
            text = f"its disks are adopted: name one that becomes {missing[0]}"
            advice = f"--disk {len(op.disks)}:adopt=...,name={missing[0]}"
            raise _cannot_have(op.instance_name, missing, f"{text}, {advice}")
        _refuse_diskless(op.instance_name, missing, template)
    wanted = [(name, SIZE_MIB) for name in missing]
    return msgspec.structs.replace(op, disks=beside(op.disks, wanted))


def _wanted_hvparams(op: OpInstanceCreate, view: ClusterView) -> Values:
    cluster = view.cluster
    kind = op.hypervisor or cluster.enabled_hypervisors[0]
    os_level = cluster.os_hvp.get(op.os_type or "", {}).get(kind, {})
    own = check_instance_hvparams(kind, op.hvparams)
    return fill_hvparams(kind, cluster.hvparams.get(kind, {}), os_level, own)


def beside(requests: Sequence[Request], states: Iterable[tuple[str, int]]) -> tuple[Request, ...]:
    """``requests``, and behind them disks of these names and sizes (MiB) in the same places."""
    place: dict[str, object] = {}
    if requests:
        place = {key: value for key, value in requests[0].items() if key not in _OWN}
        if requests[0].get("spindles"):
            place["spindles"] = 1
    made = ({**place, "size": size, "name": name} for name, size in states)
    return tuple(sorted((*requests, *made), key=lambda one: is_state(_name(one))))


def _name(request: Request) -> str | None:
    name = request.get("name")
    return name if isinstance(name, str) else None


def with_state_changes(
    op: OpInstanceSetParams, before: Instance, view: ClusterView
) -> OpInstanceSetParams:
    """``op`` with new disks that the instance's new parameters need and it has not.

    Raises:
        OpPrereqError: ``ECode.INVAL``, they cannot be made.
    """
    if not op.hvparams and op.os_name is None:
        return op
    had = view.disks_of(before)
    added = [
        _name(params)
        for action, _where, params in (mod for mod in op.disks if len(mod) == 3)
        if action in (ListChange.ADD, ListChange.ATTACH) and isinstance(params, Mapping)
    ]
    missing = lacking(_changed_hvparams(op, before, view), [*(d.name for d in had), *added])
    if not missing:
        return op
    if op.disk_template is not None:
        text = "the disk template cannot change in the same step: change one, and then the other"
        raise _cannot_have(before.name, missing, text)
    template = had[0].dev_type if had else DiskTemplate.DISKLESS
    if template in MUST_ADOPT:
        text = f"disks of template {template} cannot be added to an instance"
        raise _cannot_have(before.name, missing, text)
    if not op.disks:
        _refuse_diskless(before.name, missing, template)
    place = _place_of(had[0]) if had else {}
    made = tuple(
        (ListChange.ADD.value, LAST, {**place, "size": SIZE_MIB, "name": name}) for name in missing
    )
    return msgspec.structs.replace(op, disks=(*op.disks, *made))


def _changed_hvparams(op: OpInstanceSetParams, before: Instance, view: ClusterView) -> Values:
    own = updated_instance_hvparams(before.hypervisor, before.hvparams, op.hvparams)
    os = before.os if op.os_name is None else op.os_name
    return view.filled_hvparams(msgspec.structs.replace(before, hvparams=own, os=os))


def _place_of(disk: Disk) -> dict[str, object]:
    """Where disks lie that are made beside ``disk``, as a request says it."""
    found: dict[str, object] = {}
    if disk.dev_type is DiskTemplate.PLAIN:
        found["vg"] = volume_group(disk)
    elif disk.dev_type is DiskTemplate.DRBD:
        data, meta = disk.children
        found |= {"vg": volume_group(data), "metavg": volume_group(meta)}
    elif disk.dev_type is DiskTemplate.EXT:
        found |= {"provider": disk.logical_id[0], **(disk.params or {})}
        found.pop("access", None)
    if disk.spindles:
        found["spindles"] = 1
    return found


def overwritten(disks: Iterable[NamedDisk], view: ClusterView) -> tuple[int, ...]:
    """Indices of the new ``disks`` that are to be overwritten: all where the cluster wants that."""
    every = view.cluster.prealloc_wipe_disks
    # What a guest that is gone remembered must not be taken for this one's.
    return tuple(index for index, disk in enumerate(disks) if every or is_state(disk.name))


def _refuse_diskless(instance: str, missing: Sequence[str], template: DiskTemplate) -> None:
    if template is DiskTemplate.DISKLESS:
        raise _cannot_have(instance, missing, "it is diskless")


def _cannot_have(instance: str, missing: Sequence[str], why: str) -> OpPrereqError:
    names = " and ".join(missing)
    text = f"instance {instance} needs a disk {names} for its hypervisor parameters"
    return OpPrereqError(f"{text}, which cannot be made: {why}", ECode.INVAL)
