"""Volumes that an instance takes over instead of new ones. Source: gnt-instance(8), ``adopt``."""

from collections.abc import Set

from pyganeti.master.new_disks import DiskRequest, are_adopted, sized
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import LvListCall
from pyganeti.wire.noderpc.types import Volume


async def found_disks(
    disks: tuple[DiskRequest, ...], node: Node, view: ClusterView, nodes: NodeReader
) -> tuple[DiskRequest, ...]:
    """``disks`` with the sizes of the volumes they adopt; unchanged where they adopt none.

    Raises:
        OpPrereqError: a volume is not there, in use, or another instance's.
    """
    if not are_adopted(disks):
        return disks
    groups = tuple(sorted({disk.vg or "" for disk in disks}))
    try:
        found = await nodes.call(node.uuid, LvListCall(vg_names=groups))
    except GenericError as err:
        raise OpPrereqError(f"on node {node.name}: {err}", ECode.ENVIRON) from err
    volumes = {(one.group, one.name): one for one in found}
    taken = view.volumes_on(node.uuid)
    sizes = [_size(disk, volumes.get(_place(disk)), taken, node) for disk in disks]
    return sized(disks, sizes)


def _place(disk: DiskRequest) -> tuple[str, str]:
    return disk.vg or "", disk.adopt or ""


def _size(disk: DiskRequest, found: Volume | None, taken: Set[tuple[str, str]], node: Node) -> int:
    place = "/".join(_place(disk))
    if found is None:
        text = f"node {node.name} has no volume {place} that could be adopted"
        raise OpPrereqError(text, ECode.INVAL)
    if _place(disk) in taken:
        raise OpPrereqError(f"volume {place} is an instance's already", ECode.NOTUNIQUE)
    if found.in_use:
        text = f"volume {place} on node {node.name} is in use, it cannot be adopted"
        raise OpPrereqError(text, ECode.STATE)
    return found.size
