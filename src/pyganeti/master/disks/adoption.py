"""Volumes and devices that an instance takes over instead of new ones.

Source: gnt-instance(8), ``adopt``.
"""

from collections.abc import Set

from pyganeti.master.disks.new import DiskRequest, are_adopted, sized
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BdevSizesCall, LvListCall
from pyganeti.wire.noderpc.disks import Volume


async def found_disks(
    disks: tuple[DiskRequest, ...],
    template: DiskTemplate,
    node: Node,
    view: ClusterView,
    nodes: NodeReader,
) -> tuple[DiskRequest, ...]:
    """``disks`` with the sizes of what they adopt; unchanged where they adopt nothing.

    Raises:
        OpPrereqError: a volume or device is not there, in use, or another instance's.
    """
    if not are_adopted(disks):
        return disks
    if template is DiskTemplate.BLOCKDEV:
        return await _found_devices(disks, node, view, nodes)
    groups = tuple(sorted({disk.vg or "" for disk in disks}))
    try:
        found = await nodes.call(node.uuid, LvListCall(vg_names=groups))
    except GenericError as err:
        raise OpPrereqError(f"on node {node.name}: {err}", ECode.ENVIRON) from err
    volumes = {(one.group, one.name): one for one in found}
    taken = view.volumes_on(node.uuid)
    sizes = [_size(disk, volumes.get(_place(disk)), taken, node) for disk in disks]
    return sized(disks, sizes)


async def _found_devices(
    disks: tuple[DiskRequest, ...], node: Node, view: ClusterView, nodes: NodeReader
) -> tuple[DiskRequest, ...]:
    paths = tuple(disk.adopt or "" for disk in disks)
    for disk in view.disks.values():
        if disk.dev_type is DiskTemplate.BLOCKDEV and disk.logical_id[1] in paths:
            text = f"device {disk.logical_id[1]} is an instance's already"
            raise OpPrereqError(text, ECode.NOTUNIQUE)
    try:
        sizes = await nodes.call(node.uuid, BdevSizesCall(devices=paths))
    except GenericError as err:
        raise OpPrereqError(f"on node {node.name}: {err}", ECode.ENVIRON) from err
    return sized(disks, [sizes[path] for path in paths])


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
