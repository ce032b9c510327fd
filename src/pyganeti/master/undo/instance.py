"""Undo actions of instance operations. Idempotent; right after any part of the step they undo."""

from typing import Any

import msgspec

from pyganeti.master.changes import instance_fields, move_instance, remove_instance
from pyganeti.master.disks.mirrors import nodes_of
from pyganeti.master.disks.new import directory_removal
from pyganeti.master.instances.forthcoming import reserve_again
from pyganeti.master.instances.guests import (
    assemble_again,
    assemble_disks,
    shut_down_disks,
    stop_guest,
)
from pyganeti.master.instances.specs import instance_spec, seen_from
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import (
    FileStoragePathError,
    GenericError,
    NodeCallError,
    OpExecError,
    StorageError,
)
from pyganeti.wire.noderpc.blockdev import (
    BlockdevRemoveCall,
    BlockdevRenameCall,
    LvListCall,
)
from pyganeti.wire.noderpc.call import NodeCall
from pyganeti.wire.noderpc.instance import InstanceBalloonMemoryCall, InstanceStartCall
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.task import TasksEndCall

# Any: specs are stored as JSON and decoded here.
JsonSpec = dict[str, Any]


def _is_gone(context: UndoContext, node: str) -> bool:
    """Whether the node was removed from the cluster: then nothing there is ours to undo."""
    return node not in context.config.view.nodes


async def stop(context: UndoContext, *, spec: JsonSpec) -> None:
    """End a guest that a failed operation started; it is not asked first."""
    instance = msgspec.convert(spec, InstanceSpec)
    if not _is_gone(context, instance.primary_node):
        await stop_guest(context.nodes, instance, 0.0)


async def end_helper(context: UndoContext, *, node: str, spec: JsonSpec) -> None:
    """End a guest that works on an instance's disks, whoever waits for it."""
    if not _is_gone(context, node):
        await context.nodes.call(node, TasksEndCall())
        await stop_guest(context.nodes, msgspec.convert(spec, InstanceSpec), 0.0)


async def balloon(context: UndoContext, *, spec: JsonSpec, memory: int) -> None:
    """Give a guest the memory back that it had; one that ended meanwhile starts with all of it.

    One that was migrated meanwhile keeps what it has: it gave up memory for the sake of that.
    """
    instance = _as_it_is(context, spec)
    if instance is None:
        return
    call = InstanceBalloonMemoryCall(instance=instance, memory=memory)
    try:
        await context.nodes.call(instance.primary_node, call)
    except NodeCallError:
        raise
    except GenericError as err:
        context.log(f"Warning: instance {instance.name} has not its former memory: {err}")


async def deactivate_disks(context: UndoContext, *, spec: JsonSpec) -> None:
    """Shut down the disks that a failed operation assembled."""
    instance = msgspec.convert(spec, InstanceSpec)
    if not _is_gone(context, instance.primary_node):
        await shut_down_disks(context.nodes, instance)


def _as_it_is(context: UndoContext, spec: JsonSpec) -> InstanceSpec | None:
    """The instance as recorded now, if its primary node still is the one in ``spec``.

    If it went elsewhere since, nothing may be started here: it may run there. The journal has none
    of the secrets that its disks may need.
    """
    view = context.config.view
    known = view.instances.get(spec["uuid"])
    if known is None or known.primary_node != spec["primary_node"]:
        return None
    return instance_spec(view, known)


async def activate_disks(context: UndoContext, *, spec: JsonSpec) -> None:
    """Assemble disks again that a failed operation shut down.

    One that is lost, or cannot be used now, holds up nothing: as in :func:`start_again`.
    """
    instance = _as_it_is(context, spec)
    if instance is not None:
        await assemble_again(context, instance)


async def start_again(context: UndoContext, *, spec: JsonSpec) -> None:
    """Start a guest again that a failed operation stopped, to have it elsewhere or read its disks.

    One that its node cannot start stays down, as after a failed start: what it lacks is mended with
    commands on the instance, which all would be refused as long as this waits.
    """
    instance = _as_it_is(context, spec)
    if instance is None:
        return
    try:
        await assemble_disks(context.nodes, context.config.view, instance)
        await context.nodes.call(instance.primary_node, InstanceStartCall(instance=instance))
    except NodeCallError:
        raise
    except GenericError as err:
        context.log(f"Warning: instance {instance.name} does not run: {err}")


async def move_back(
    context: UndoContext, *, uuid: str, source: str, target: str, disks_active: bool
) -> None:
    """Make ``source`` the primary node again, unless another than ``target`` is by now."""
    await context.config.commit(move_instance(uuid, target, source, disks_active=disks_active))


async def remove_disks(
    context: UndoContext, *, node: str, disks: list[JsonSpec], directory: str | None
) -> None:
    """Remove disks that a failed creation made, and the directory they lay in.

    Raises:
        OpExecError: the configuration knows one of them, because taking it out of there failed;
            whoever tries again does that first.
    """
    for disk in disks:
        spec = msgspec.convert(disk, DiskSpec)
        if _is_recorded(context, spec):
            raise OpExecError(f"{spec.iv_name} still stands in the configuration")
        for place in nodes_of(spec, node):
            if not _is_gone(context, place):
                await _remove(context, place, BlockdevRemoveCall(disk=seen_from(spec, place)))
    if not _is_gone(context, node):
        await _remove_directory(context, node, directory)


async def remove_copies(
    context: UndoContext, *, node: str, disks: list[JsonSpec], directory: str | None
) -> None:
    """Remove what a node has of disks that the configuration has elsewhere, or not at all.

    So of a copy exactly one side stays: the one that is recorded.
    """
    specs = [msgspec.convert(disk, DiskSpec) for disk in disks]
    known = context.config.view.disks
    if any(spec.uuid in known and node in known[spec.uuid].nodes for spec in specs):
        return
    if not _is_gone(context, node):
        for spec in specs:
            await _remove(context, node, BlockdevRemoveCall(disk=spec))
        await _remove_directory(context, node, directory)


async def settle_move(
    context: UndoContext,
    *,
    spec: JsonSpec,
    node: str,
    disks: list[JsonSpec],
    directory: str | None,
    starts: bool,
) -> None:
    """Complete a move whose new primary node is recorded; nothing if it is not.

    Args:
        context: what the action works with.
        spec: the instance there.
        node: UUID of the node that it has left.
        disks: what that has of it.
        directory: which they lie in.
        starts: its guest is to run there.
    """
    known = context.config.view.instances.get(spec["uuid"])
    if starts and known is not None and known.admin_state is AdminState.UP:
        await start_again(context, spec=spec)
    await remove_copies(context, node=node, disks=disks, directory=directory)


async def _remove_directory(context: UndoContext, node: str, directory: str | None) -> None:
    if directory is None:
        return
    try:
        await _remove(context, node, directory_removal(directory, context.config.view))
    except StorageError as err:
        # Other disks may lie there, or what somebody put there.
        context.log(f"Warning: a directory is left: {err}")


def _is_recorded(context: UndoContext, disk: DiskSpec) -> bool:
    """Whether the configuration has the disk, and in this place: it may be made anew elsewhere.

    One that is only reserved is not there.
    """
    known = context.config.view.disks.get(disk.uuid)
    if known is None or known.forthcoming:
        return False
    places = {tuple(one.logical_id) for one in known.children or (known,)}
    return not places.isdisjoint(tuple(one.logical_id) for one in disk.children or (disk,))


async def rename_disks_back(
    context: UndoContext, *, node: str, disks: list[list[JsonSpec]]
) -> None:
    """Give volumes that were to be adopted their old names; ``disks`` are pairs of old and new.

    Raises:
        OpExecError: the configuration knows one of them.
    """
    if _is_gone(context, node):
        return
    pairs = msgspec.convert(disks, tuple[tuple[DiskSpec, DiskSpec], ...])
    groups = tuple(sorted({str(new.logical_id[0]) for _, new in pairs}))
    found = await context.nodes.call(node, LvListCall(vg_names=groups))
    there = {(volume.group, volume.name) for volume in found}
    for old, new in reversed(pairs):
        if new.uuid in context.config.view.disks:
            raise OpExecError(f"{new.iv_name} still stands in the configuration")
        if tuple(new.logical_id) in there:
            await context.nodes.call(node, BlockdevRenameCall(disks=((new, old),)))


async def _remove(context: UndoContext, node: str, call: NodeCall[None]) -> None:
    """Remove what may have been made at a place.

    A place that the node does not allow now was refused when it was to be made, too, unless its
    administrator has changed that since: then what is there is the administrator's, and named.
    """
    try:
        await context.nodes.call(node, call)
    except FileStoragePathError as err:
        context.log(f"Warning: nothing was removed there: {err}")


async def remove_from_config(context: UndoContext, *, uuid: str) -> None:
    """Take an instance and its disks out of the configuration again."""
    await context.config.commit(remove_instance(uuid))


async def back_to_reservation(context: UndoContext, *, uuid: str) -> None:
    """Make an instance forthcoming again; what was made for it goes next."""
    await context.config.commit(reserve_again(uuid))


async def set_fields(context: UndoContext, *, uuid: str, fields: dict[str, Any]) -> None:
    """Put back fields of an instance, if it is still there. Any: the fields' JSON values."""
    await context.config.commit(instance_fields(uuid, **fields))
