"""Exclusive storage: disks that have physical volumes for themselves, which are their spindles.

Source: gnt-instance(8) ADD (``spindles``); gnt-cluster(8), ``exclusive_storage``.
"""

from collections.abc import Iterable, Sequence

from pyganeti.master.disks.new import DiskRequest, volume_sizes
from pyganeti.master.disks.space import Wanted, check_space, volume_group, wanted_space
from pyganeti.master.instances.specs import has_spindles
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, StorageType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.templates import EXCLUSIVE_STORAGE, LVM
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.disks import StorageUnit
from pyganeti.wire.noderpc.node import NodeInfoCall


def check_spindles(
    disks: Sequence[DiskRequest], template: DiskTemplate, node: Node, view: ClusterView
) -> None:
    """Refuse disks without spindles where they are counted, and with them elsewhere.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    exclusive = has_spindles(template, node, view)
    for index, disk in enumerate(disks):
        if not exclusive and disk.spindles is not None:
            why = f"disks of template {template} on node {node.name} have no exclusive storage"
            text = f"disk/{index}: spindles are given, but {why}"
            raise OpPrereqError(text, ECode.INVAL)
        if exclusive and disk.adopt is None and not disk.spindles:
            text = f"disk/{index}: node {node.name} has exclusive storage"
            raise OpPrereqError(f"{text}, say how many spindles it takes", ECode.INVAL)
        if exclusive and disk.adopt is not None:
            text = f"disk/{index}: node {node.name} has exclusive storage, where nobody knows"
            text = f"{text} whether a volume shares its physical volumes: it is not adopted"
            raise OpPrereqError(text, ECode.INVAL)


def check_template(template: DiskTemplate, nodes: Iterable[Node], view: ClusterView) -> None:
    """Refuse a template whose volumes cannot have physical volumes for themselves where they must.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    if template not in LVM - EXCLUSIVE_STORAGE:
        return
    for node in nodes:
        if view.filled_ndparams(node).exclusive_storage:
            text = f"node {node.name} has exclusive storage, which {template} disks cannot use"
            raise OpPrereqError(text, ECode.INVAL)


def request_of(disk: Disk) -> DiskRequest:
    """What would ask for a disk such as this one."""
    meta = str(disk.children[1].logical_id[0]) if disk.children else None
    is_ext = disk.dev_type is DiskTemplate.EXT
    return DiskRequest(
        disk.size,
        disk.mode,
        disk.name,
        volume_group(disk),
        metavg=meta,
        provider=str(disk.logical_id[0]) if is_ext else None,
        spindles=disk.spindles,
    )


async def check_new_disks(
    nodes: NodeReader,
    node: Node,
    disks: Sequence[DiskRequest],
    template: DiskTemplate,
    view: ClusterView,
    reserved: Wanted | None = None,
) -> None:
    """Refuse disks that cannot be made on a node: they do not fit, or have not the right spindles.

    Of what is free, ``reserved`` is kept for others.

    Raises:
        OpPrereqError: see :func:`check_spindles` and :func:`check_space`.
    """
    check_spindles(disks, template, node, view)
    wanted = wanted_space(view, template, volume_sizes(disks))
    if not has_spindles(template, node, view):
        await check_space(nodes, node, wanted, view.cluster.cluster_name, reserved)
        return
    for unit in wanted:
        await _check_room(nodes, node, unit.name, [disk for disk in disks if disk.vg == unit.name])


async def _check_room(
    nodes: NodeReader, node: Node, group: str, disks: Sequence[DiskRequest]
) -> None:
    """Refuse disks that have too few spindles, or more than are empty.

    Raises:
        OpPrereqError: ``ECode.NORES``, with what was wanted and what there was; ``ECode.ENVIRON``,
            there is no such volume group.
    """
    units = (
        StorageUnit(type=StorageType.LVM_VG, name=group, exclusive=True),
        StorageUnit(type=StorageType.LVM_PV, name=group),
    )
    space, count = (await nodes.call(node.uuid, NodeInfoCall(storage_units=units))).storage
    if not space.storage_size or not count.storage_size:
        text = f"node {node.name} has no volume group {group} with physical volumes"
        raise OpPrereqError(text, ECode.ENVIRON)
    each = space.storage_size // count.storage_size
    for disk in disks:
        needed = -(-disk.size // each)
        if (disk.spindles or 0) < needed:
            text = f"{disk.size} MiB do not fit on {disk.spindles} spindles of {each} MiB"
            where = f"in {group} on node {node.name}: at least {needed} are needed"
            raise OpPrereqError(f"{text} {where}", ECode.NORES)
    asked = sum(disk.spindles or 0 for disk in disks)
    if asked > (count.storage_free or 0):
        text = f"not enough spindles on node {node.name} in {group}"
        raise OpPrereqError(f"{text}: wanted {asked}, empty {count.storage_free}", ECode.NORES)
