"""What must hold before mirrored disks are replaced; reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pyganeti.master.disks.mirrors import mirror_statuses
from pyganeti.master.disks.space import check_space, wanted_space
from pyganeti.master.instances.guests import check_online
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, ReplaceDisksMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceReplaceDisks
from pyganeti.wire.noderpc.disks import (
    LocalDisk,
)

_Mode = ReplaceDisksMode


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disks are to be replaced, by index, and the node that gets new storage.

    ``is_new`` is true for one that becomes the secondary.
    """

    node: str
    disks: tuple[int, ...]
    is_new: bool = False


def new_secondary(op: OpInstanceReplaceDisks, view: ClusterView) -> Node | None:
    """The node that is to become the secondary, if one is."""
    return None if op.remote_node is None else view.node(op.remote_node)


def check_allocates(op: OpInstanceReplaceDisks) -> None:
    """Refuse an allocator where there is nothing to choose.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    if op.mode is not _Mode.NEW_SECONDARY or op.remote_node is not None:
        text = "an allocator chooses the new secondary node, and only that: not together with a"
        raise OpPrereqError(f"{text} node, nor in another mode", ECode.INVAL)


def with_secondary(op: OpInstanceReplaceDisks, node: Node) -> OpInstanceReplaceDisks:
    """What ``op`` asks for once its new secondary node is known."""
    return msgspec.structs.replace(op, remote_node=node.name)


def check_mirrored(view: ClusterView, instance: Instance) -> None:
    """Refuse an instance whose disks are not mirrored.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    template = view.disk_template(instance)
    if template not in INTERNALLY_MIRRORED:
        text = f"disks of instance {instance.name} ({template}) are not mirrored"
        raise OpPrereqError(f"{text}, there is nothing to replace", ECode.INVAL)


async def wanted_replacement(
    op: OpInstanceReplaceDisks, view: ClusterView, nodes: NodeReader, instance: Instance
) -> Wanted:
    """What ``op`` asks for.

    Raises:
        OpPrereqError: the instance has no mirrors, or mode, node and disks do not fit together.
    """
    check_mirrored(view, instance)
    (secondary,) = view.secondary_nodes(instance)
    every = tuple(range(len(instance.disks)))
    new = new_secondary(op, view)
    if (new is not None) != (op.mode is _Mode.NEW_SECONDARY):
        text = "a new secondary node is needed for, and only for, replacing the secondary node"
        raise OpPrereqError(text, ECode.INVAL)
    if op.disks and op.mode in (_Mode.NEW_SECONDARY, _Mode.AUTO):
        raise OpPrereqError("disks cannot be chosen in this mode", ECode.INVAL)
    for index in op.disks:
        if index not in every:
            text = f"instance {instance.name} has no disk {index}, it has {len(every)}"
            raise OpPrereqError(text, ECode.INVAL)
    disks = tuple(sorted(set(op.disks))) or every
    if new is not None:
        _check_new(view, instance, secondary, new)
        return Wanted(new.uuid, every, is_new=True)
    if op.mode is _Mode.ON_PRIMARY:
        return Wanted(instance.primary_node, disks)
    if op.mode is _Mode.ON_SECONDARY:
        return Wanted(secondary.uuid, disks)
    return await _faulty(view, nodes, instance, secondary)


def _check_new(view: ClusterView, instance: Instance, secondary: Node, new: Node) -> None:
    if new.uuid == instance.primary_node:
        text = f"node {new.name} is the primary node of instance {instance.name}"
        raise OpPrereqError(text, ECode.INVAL)
    if new is secondary:
        text = f"node {new.name} is the secondary node of instance {instance.name} already"
        raise OpPrereqError(text, ECode.INVAL)
    check_online(view, new.uuid)
    for bad, what in ((new.drained, "is drained"), (not new.vm_capable, "is not vm_capable")):
        if bad:
            raise OpPrereqError(f"node {new.name} {what}", ECode.STATE)


async def _faulty(
    view: ClusterView, nodes: NodeReader, instance: Instance, secondary: Node
) -> Wanted:
    """The disks that are lost on one node.

    Raises:
        OpPrereqError: some are on both.
    """
    primary = view.node(instance.primary_node)
    found = {node.uuid: await _lost(view, nodes, instance, node) for node in (primary, secondary)}
    if all(found.values()):
        text = f"instance {instance.name} has faulty disks on both nodes, which needs a decision"
        raise OpPrereqError(text, ECode.STATE)
    node = primary if found[primary.uuid] else secondary
    return Wanted(node.uuid, found[node.uuid])


async def _lost(
    view: ClusterView, nodes: NodeReader, instance: Instance, node: Node
) -> tuple[int, ...]:
    statuses = await mirror_statuses(view, nodes, view.disks_of(instance), node)
    return tuple(
        index
        for index, status in enumerate(statuses)
        if status is not None and status.local_disk is LocalDisk.FAULTY
    )


async def check_can_replace(
    op: OpInstanceReplaceDisks,
    view: ClusterView,
    nodes: NodeReader,
    instance: Instance,
    wanted: Wanted,
    disks: Sequence[Disk],
) -> None:
    """Refuse where the content would be lost, or there is no room for it.

    Raises:
        OpPrereqError: the other node's part is not whole, a node is offline, or full.
    """
    if not disks:
        return
    node = view.node(wanted.node)
    check_online(view, node.uuid)
    check_online(view, instance.primary_node)
    (source,) = {instance.primary_node} if wanted.is_new else _others(view, instance, node)
    check_online(view, source)
    if instance.disks_active:
        await _check_whole(view, nodes, disks, view.node(source))
    if wanted.is_new and not op.ignore_ipolicy:
        shape = InstanceShape.of(instance, view, disks, DiskTemplate.DRBD)
        check_policy(shape, view.ipolicy(view.group_of(node)), f"instance {instance.name}")
    volumes = [(str(one.logical_id[0]), one.size) for disk in disks for one in disk.children]
    space = wanted_space(view, DiskTemplate.DRBD, volumes)
    await check_space(nodes, node, space, view.cluster.cluster_name)


def _others(view: ClusterView, instance: Instance, node: Node) -> set[str]:
    return {one.uuid for one in view.instance_nodes(instance)} - {node.uuid}


async def _check_whole(
    view: ClusterView, nodes: NodeReader, disks: Sequence[Disk], node: Node
) -> None:
    """Refuse when the part that is to be copied is not good."""
    for disk, status in zip(disks, await mirror_statuses(view, nodes, disks, node), strict=True):
        if status is None or status.local_disk is not LocalDisk.OKAY:
            text = f"{disk.iv_name} on node {node.name} is not whole: it cannot be copied"
            raise OpPrereqError(text, ECode.STATE)
