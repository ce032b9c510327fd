"""Disks of an existing instance: checked, made before and removed after they are recorded."""

from collections.abc import Sequence

import msgspec

from pyganeti.master.disks.changed import ChangedDisks
from pyganeti.master.disks.ext import check_providers, wanted_of
from pyganeti.master.disks.making import make_disks
from pyganeti.master.disks.mirrors import nodes_of
from pyganeti.master.disks.new import (
    DiskRequest,
    Placement,
    directory_of,
    directory_removal,
    file_directory,
    made_disk,
    metadata_group,
    wanted_of_providers,
    with_metadata_groups,
)
from pyganeti.master.disks.spindles import check_new_disks, check_template
from pyganeti.master.disks.states import overwritten
from pyganeti.master.instances.device_records import DiskRecords, OldDisks, forget_disks
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_online,
    shut_down_disks,
)
from pyganeti.master.instances.specs import disk_spec, instance_spec, seen_from
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, FileDriver, ListChange
from pyganeti.model.errors import ECode, OpPrereqError, StorageError
from pyganeti.model.instance import Instance
from pyganeti.model.state_disks import seen as seen_disks
from pyganeti.model.templates import FILE_BASED, INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import (
    BlockdevRemoveCall,
    BlockdevShutdownCall,
    BlockdevWipeCall,
)


def placement(instance: Instance, disks: ChangedDisks, view: ClusterView) -> Placement:
    """Where new disks of the instance go: beside those it has.

    Raises:
        OpPrereqError: ``ECode.INVAL``, they would be mirrored, and there is no other node.
    """
    before, template = view.disks_of(instance), disks.template
    secondary = None
    if template in INTERNALLY_MIRRORED:
        others = view.secondary_node_uuids(instance)
        if not others:
            text = f"instance {instance.name} has no secondary node for disks that are mirrored"
            raise OpPrereqError(text, ECode.INVAL)
        secondary = others[0]
    directory = directory_of(before) or file_directory(view, template, instance.name, None)
    files = [disk for disk in before if disk.dev_type in FILE_BASED]
    driver = FileDriver(str(files[0].logical_id[0])) if files else None
    return Placement(template, instance.primary_node, directory, driver, secondary)


async def check_disks(
    instance: Instance,
    disks: ChangedDisks,
    view: ClusterView,
    nodes: NodeReader,
    *,
    running: bool,
    hotplug: bool,
) -> None:
    """Refuse what cannot be done now.

    Raises:
        OpPrereqError: a running guest would keep what it should lose, a node is offline, or there
            is no space.
    """
    check_online(view, instance.primary_node)
    if running and not hotplug:
        _check_without_hotplug(instance, disks)
    altered = [disk for disk in disks.final if disk.uuid in disks.changed]
    await check_providers(nodes, view.node(instance.primary_node), wanted_of(altered))
    if not disks.requests:
        return
    where = placement(instance, disks, view)
    requests = _requests(disks, where, view)
    await check_providers(nodes, view.node(where.node), wanted_of_providers(requests))
    check_template(disks.template, map(view.node, where.nodes), view)
    for uuid in where.nodes:
        check_online(view, uuid)
        await check_new_disks(nodes, view.node(uuid), requests, disks.template, view)


def _check_without_hotplug(instance: Instance, disks: ChangedDisks) -> None:
    if disks.gone:
        text = f"instance {instance.name} is running and keeps its disks without hotplug"
        raise OpPrereqError(f"{text}: shut it down, or leave out --no-hotplug", ECode.STATE)
    final = seen_disks(disks.final)
    kept = [disk.uuid for disk in final if disk.uuid in instance.disks]
    if [disk.uuid for disk in final[: len(kept)]] != kept:
        text = f"instance {instance.name} is running: without hotplug new disks come at the end"
        raise OpPrereqError(text, ECode.STATE)


def _requests(disks: ChangedDisks, where: Placement, view: ClusterView) -> tuple[DiskRequest, ...]:
    requests = tuple(disks.requests.values())
    if disks.template is not DiskTemplate.DRBD:
        return requests
    return with_metadata_groups(requests, metadata_group(view, where.node))


async def make_new(run: Run, instance: Instance, disks: ChangedDisks) -> DiskRecords:
    """Make the new disks on their nodes, as one step that is undone; what is to be recorded.

    Raises:
        GenericError: one could not be made.
    """
    view, node = run.config.view, instance.primary_node
    made: dict[str, Disk] = {}
    if disks.requests:
        where = placement(instance, disks, view)
        places = {disk.uuid: index for index, disk in enumerate(disks.final)}
        asked = zip(disks.requests, _requests(disks, where, view), strict=True)
        made = {
            uuid: made_disk(places[uuid], request, where, run.ids, run.minor)
            for uuid, request in asked
        }
        specs = tuple(disk_spec(disk, view, node) for disk in made.values())
        # The directory is there with the first file, and stays as long as there is one.
        directory = None if directory_of(view.disks_of(instance)) else where.directory
        run.log("* creating disks...")
        await make_disks(
            run, specs, node, directory=directory, owner=instance.uuid, name=instance.name
        )
    order = tuple((made.get(disk.uuid) or disk).uuid for disk in disks.final)
    _removed, detached = removed_and_detached(disks)
    return DiskRecords(order, tuple(made.values()), detached, disks.changed)


def old_disks(instance: Instance, records: DiskRecords, view: ClusterView) -> OldDisks:
    """What undoes the recording of ``records``."""
    changed = {
        uuid: {name: msgspec.to_builtins(getattr(view.disks[uuid], name)) for name in fields}
        for uuid, fields in records.changed.items()
    }
    return OldDisks(instance.disks, tuple(disk.uuid for disk in records.made), changed)


async def activate_new(run: Run, before: Instance, disks: ChangedDisks, *, running: bool) -> bool:
    """Make the disks usable where they are in use, or are to be filled.

    Returns: whether that was done for this operation only.

    Raises:
        GenericError: one could not be assembled.
    """
    view = run.config.view
    instance = view.instances[before.uuid]
    active = before.disks_active or running
    fill = bool(disks.requests) and (
        disks.template in INTERNALLY_MIRRORED or bool(overwritten(disks.requests.values(), view))
    )
    if not active and not fill:
        return False
    bare = msgspec.to_builtins(bare_spec(view, instance))
    back = None if running else undo("instance.deactivate_disks", spec=bare)
    async with run.step("activate disks", back):
        if active and not running:
            # The links of disks stand in their order, which is another now.
            old = msgspec.structs.replace(before, disks=tuple(_known(before, view)))
            await shut_down_disks(run.nodes, instance_spec(view, old))
        await assemble_disks(run.nodes, view, instance_spec(view, instance))
    return not active


def _known(instance: Instance, view: ClusterView) -> list[str]:
    return [uuid for uuid in instance.disks if uuid in view.disks]


async def wipe_new(run: Run, uuid: str, made: Sequence[Disk]) -> None:
    """Overwrite new disks, where the cluster wants that, and those that guests do not see.

    Raises:
        GenericError: one could not be written.
    """
    view = run.config.view
    wiped = [made[index] for index in overwritten(made, view)]
    if not wiped:
        return
    node = view.instances[uuid].primary_node
    async with run.step("wipe new disks", undo("node.end_tasks", nodes=[node])):
        for disk in wiped:
            spec = disk_spec(view.disks[disk.uuid], view, node)
            run.log(f"* wiping {spec.iv_name}...")
            await run.nodes.call(node, BlockdevWipeCall(disk=spec, size=spec.size))


async def let_go(run: Run, instance: Instance, uuids: Sequence[str], *, remove: bool) -> None:
    """Shut down disks that the instance has not any more, and remove them for good if asked to.

    Repeatable; no undo brings back what was removed.

    Raises:
        GenericError: one is in use, or a node does not answer.
    """
    view, node = run.config.view, instance.primary_node
    for uuid in uuids:
        if uuid not in view.disks:
            continue
        spec = disk_spec(view.disks[uuid], view, node)
        there = [(place, seen_from(spec, place)) for place in nodes_of(spec, node)]
        for place, seen in there:
            await run.nodes.call(place, BlockdevShutdownCall(disk=seen))
        for place, seen in there if remove else ():
            await run.nodes.call(place, BlockdevRemoveCall(disk=seen))
    if remove:
        await _remove_directory(run, instance, [view.disks[u] for u in uuids if u in view.disks])
        await run.config.commit(forget_disks(uuids))


async def _remove_directory(run: Run, instance: Instance, removed: Sequence[Disk]) -> None:
    """Remove the directory of files with the last of them."""
    view = run.config.view
    directory = directory_of(removed)
    others = (disk for disk in view.disks.values() if disk not in removed)
    if directory is None or any(directory_of([disk]) == directory for disk in others):
        return
    try:
        await run.nodes.call(instance.primary_node, directory_removal(directory, view))
    except StorageError as err:
        run.log(f"Warning: a directory is left: {err}")


def takes_out(disks: ChangedDisks | None) -> bool:
    """Whether the guest must release disks before anything else is done."""
    return disks is not None and bool(disks.gone)


def removed_and_detached(disks: ChangedDisks) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """UUIDs of the disks that are removed for good, and of those that are kept for later."""
    removed = {disk.uuid for disk in disks.removed}
    detached = (
        edit.device.uuid
        for edit in disks.edits
        if edit.action is ListChange.DETACH and edit.device.uuid not in removed
    )
    kept = {disk.uuid for disk in disks.final}
    return tuple(sorted(removed)), tuple(uuid for uuid in detached if uuid not in kept)
