"""Whether disks are lost, so that they may be made anew; reads only."""

from collections.abc import Sequence

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BlockdevGetdimensionsCall, LvListCall


async def check_lost(
    disks: Sequence[Disk], node: Node, view: ClusterView, nodes: NodeReader
) -> None:
    """Refuse when a node has one of the disks, or a volume below one.

    Raises:
        OpPrereqError: ``ECode.STATE``, names the disk; ``ECode.ENVIRON``, the node cannot tell.
    """
    for disk in disks:
        try:
            there = await _is_there(disk, node, view, nodes)
        except GenericError as err:
            raise OpPrereqError(f"on node {node.name}: {err}", ECode.ENVIRON) from err
        if there:
            text = f"{disk.iv_name} is on node {node.name} still, it is not made anew"
            raise OpPrereqError(text, ECode.STATE)


async def _is_there(disk: Disk, node: Node, view: ClusterView, nodes: NodeReader) -> bool:
    volumes = {
        (str(one.logical_id[0]), str(one.logical_id[1]))
        for one in (disk, *disk.children)
        if one.dev_type is DiskTemplate.PLAIN
    }
    if volumes:
        # Looked for among all, active or not: one that is not active is no lost one.
        groups = tuple(sorted({group for group, _ in volumes}))
        found = await nodes.call(node.uuid, LvListCall(vg_names=groups))
        return any((one.group, one.name) in volumes for one in found)
    call = BlockdevGetdimensionsCall(disks=(disk_spec(disk, view, node.uuid),))
    (size,) = await nodes.call(node.uuid, call)
    return size is not None
