"""Undo actions of mirrored disks. Idempotent; right after any part of the step they undo."""

from typing import Any

import msgspec

from pyganeti.master.disks.replacing import set_secondary
from pyganeti.master.instances.guests import assemble_again
from pyganeti.master.instances.specs import disk_spec, instance_spec
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.blockdev import (
    BlockdevAddchildrenCall,
    BlockdevRemoveCall,
    BlockdevRemovechildrenCall,
    BlockdevRenameCall,
    LvListCall,
)
from pyganeti.wire.noderpc.specs import DiskSpec

# Any: specs are stored as JSON and decoded here.
JsonSpec = dict[str, Any]
Place = tuple[str, str]


async def remove_part(context: UndoContext, *, node: str, disks: list[JsonSpec]) -> None:
    """Remove what a node has of mirrors that it is not to have.

    Raises:
        OpExecError: the configuration says that it has; whoever tries again changes that first.
    """
    view = context.config.view
    if node not in view.nodes:
        return
    for disk in disks:
        known = view.disks.get(disk["uuid"])
        if known is not None and node in known.nodes:
            raise OpExecError(f"{disk['iv_name']} still is on {view.nodes[node].name}")
        await context.nodes.call(node, BlockdevRemoveCall(disk=msgspec.convert(disk, DiskSpec)))


async def reconnect(context: UndoContext, *, instance: str) -> None:
    """Let the nodes of an instance's mirrors meet as the configuration says, if they can.

    A lost volume is replaced by commands that would be refused as long as this waits.
    """
    view = context.config.view
    known = view.instances.get(instance)
    if known is not None:
        await assemble_again(context, instance_spec(view, known))


async def restore_secondary(
    context: UndoContext, *, primary: str, node: str, minors: dict[str, int | None]
) -> None:
    """Record the former secondary of disks again, by UUID with their minors there."""
    await context.config.commit(set_secondary(primary, node, minors))


async def put_back(
    context: UndoContext, *, node: str, disks: list[str], volumes: list[list[JsonSpec]]
) -> None:
    """Give mirrors their former volumes on a node back.

    Args:
        context: what the action works with.
        node: UUID of the node.
        disks: UUIDs of the mirrors.
        volumes: of each volume its place, the place the new one came from, and the one the former
            one went to.
    """
    view = context.config.view
    if node not in view.nodes:
        return
    threes = msgspec.convert(volumes, list[tuple[DiskSpec, DiskSpec, DiskSpec]])
    groups = tuple(sorted({str(now.logical_id[0]) for now, _, _ in threes}))
    found = await context.nodes.call(node, LvListCall(vg_names=groups))
    there = {(volume.group, volume.name) for volume in found}
    renames: list[tuple[DiskSpec, DiskSpec]] = []
    for now, new, old in threes:
        if _place(old) in there:
            # What has the place now, if anything, is the new one.
            renames += [(now, new)] if _place(now) in there else []
            renames.append((old, now))
    known = [view.disks[uuid] for uuid in disks if uuid in view.disks]
    specs = [disk_spec(disk, view, node) for disk in known]
    for spec in specs if renames else ():
        await context.nodes.call(node, BlockdevRemovechildrenCall(disk=spec))
    if renames:
        await context.nodes.call(node, BlockdevRenameCall(disks=tuple(renames)))
    for spec in specs:
        # What the new volumes got meanwhile counts as known to this node, so the former ones, which
        # lack it, are filled anew.
        await context.nodes.call(node, BlockdevAddchildrenCall(disk=spec))


def _place(volume: DiskSpec) -> Place:
    group, name = volume.logical_id
    return str(group), str(name)
