"""Undo actions of conversions of disks. Idempotent; right after any part of the step they undo."""

from typing import Any

import msgspec

from pyganeti.master.disks.mirrors import nodes_of
from pyganeti.master.disks.new import directory_removal
from pyganeti.master.instances.device_records import forget_disks
from pyganeti.master.instances.specs import seen_from
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.errors import FileStoragePathError, StorageError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import (
    BlockdevRemoveCall,
    BlockdevShutdownCall,
)
from pyganeti.wire.noderpc.specs import DiskSpec


async def remove_parts(
    context: UndoContext,
    *,
    node: str,
    disks: list[dict[str, Any]],
    directory: str | None,
    forget: list[str],
) -> None:
    """Remove disks, but for volumes that an instance has by now, alone or below its disks.

    Args:
        context: what the action works with.
        node: UUID of the node that the disks are told to.
        disks: specifications as JSON (Any).
        directory: which they lie in, if they are files.
        forget: UUIDs of disks that are taken out of the configuration then.
    """
    view = context.config.view
    for disk in disks:
        spec = msgspec.convert(disk, DiskSpec)
        for place in nodes_of(spec, node):
            if place in view.nodes:
                await _remove(context, place, seen_from(spec, place))
    if directory is not None and node in view.nodes:
        try:
            await context.nodes.call(node, directory_removal(directory, view))
        except (FileStoragePathError, StorageError) as err:
            context.log(f"Warning: a directory is left: {err}")
    await context.config.commit(forget_disks(forget))


async def _remove(context: UndoContext, node: str, disk: DiskSpec) -> None:
    """Remove a disk's parts from a node."""
    parts = disk.children or (disk,)
    kept = [part for part in parts if _is_in_use(context.config.view, part.uuid, node)]
    if disk.children or not kept:
        await context.nodes.call(node, BlockdevShutdownCall(disk=disk))
    for part in reversed(parts):
        if part not in kept:
            await context.nodes.call(node, BlockdevRemoveCall(disk=part))


def _is_in_use(view: ClusterView, uuid: str, node: str) -> bool:
    """Whether an instance has the volume or disk on a node."""
    for instance in view.instances.values():
        for disk in view.disks_of(instance):
            for part in (disk, *disk.children):
                if part.uuid == uuid and node in (part.nodes or disk.nodes):
                    return True
    return False
