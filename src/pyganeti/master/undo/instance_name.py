"""Undo actions of a rename. Idempotent; right after any part of the step they undo."""

from typing import Any

import msgspec

from pyganeti.master.changes import rename_instance
from pyganeti.master.instances.moved_files import FileMove, note_owner
from pyganeti.master.jobs.run import UndoContext
from pyganeti.wire.noderpc.specs import DiskSpec

# Any: objects are stored as JSON and decoded here.
Json = dict[str, Any]


async def rename_disks_back(
    context: UndoContext,
    *,
    node: str,
    name: str,
    disks: list[list[Json]],
    move: dict[str, str] | None,
) -> None:
    """Give disks their old places and the instance's old name; ``disks`` pairs old with new."""
    if node not in context.config.view.nodes:
        return  # it was removed from the cluster: nothing there is ours to undo
    pairs = msgspec.convert(disks, tuple[tuple[DiskSpec, DiskSpec], ...])
    if move is not None:
        back = msgspec.convert(move, FileMove).back()
        await back.make(context.nodes, node, [(new, old) for old, new in pairs], context.log)
    await note_owner(context.nodes, node, [old for old, _new in pairs], name)


async def restore(
    context: UndoContext, *, uuid: str, name: str, places: dict[str, list[str | int]]
) -> None:
    """Record an instance's old name and the places that its disks had."""
    old = {disk: tuple(place) for disk, place in places.items()}
    await context.config.commit(rename_instance(uuid, name, old))
