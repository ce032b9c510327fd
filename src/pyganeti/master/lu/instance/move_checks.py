"""What must hold before an instance is copied to another node; reads only."""

from collections.abc import Sequence
from dataclasses import replace

from pyganeti.master.disks.copies import size_mib
from pyganeti.master.disks.spindles import check_new_disks, request_of
from pyganeti.master.instances.guests import guest_info
from pyganeti.master.instances.moving import Move
from pyganeti.master.instances.specs import has_spindles
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import COPYABLE, INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView


def check_copyable(view: ClusterView, instance: Instance) -> None:
    """Refuse disks that other nodes have as well, or that no node could take.

    Raises:
        OpPrereqError: ``ECode.STATE``; says what to use instead.
    """
    template = view.disk_template(instance)
    if template in COPYABLE:
        return
    text = f"instance {instance.name} has disks of template {template}"
    if template in INTERNALLY_MIRRORED:
        text += (
            ", which its secondary node has as well: use gnt-instance failover or migrate, and"
            " replace-disks to change that node"
        )
    else:
        text += ", which need not be copied: use gnt-instance failover or migrate"
    raise OpPrereqError(text, ECode.STATE)


def move_target(view: ClusterView, instance: Instance, name: str) -> Node:
    """The node to go to.

    Raises:
        OpPrereqError: it is there already, or storage is given out in another way there.
    """
    source, target = view.node(instance.primary_node), view.node(name)
    if source.uuid == target.uuid:
        text = f"instance {instance.name} is already on node {target.name}"
        raise OpPrereqError(text, ECode.STATE)
    exclusive = [view.filled_ndparams(node).exclusive_storage for node in (source, target)]
    if exclusive[0] != exclusive[1]:
        text = f"of nodes {source.name} and {target.name} only one has exclusive storage"
        raise OpPrereqError(text, ECode.STATE)
    return target


async def runs_on_source(nodes: NodeReader, view: ClusterView, move: Move, *, ignore: bool) -> bool:
    """Whether the guest runs on its node, or may run.

    Raises:
        OpPrereqError: the node does not answer, so its disks cannot be read.
        GenericError: its hypervisor does not say, and that is not to be ignored.
    """
    try:
        return await guest_info(nodes, view, move.instance) is not None
    except OpPrereqError:
        raise
    except GenericError:
        if not ignore:
            raise
        return True


async def check_room(
    nodes: NodeReader, view: ClusterView, move: Move, sizes: Sequence[int]
) -> None:
    """Refuse a target on which the disks do not fit.

    Raises:
        OpPrereqError: as :func:`~pyganeti.master.disks.spindles.check_new_disks`.
    """
    template = DiskTemplate(move.here.disk_template)
    exclusive = has_spindles(template, move.target, view)
    requests = [
        replace(
            request_of(disk),
            size=max(disk.size, size_mib(size)),
            spindles=disk.spindles if exclusive else None,
        )
        for disk, size in zip(view.disks_of(move.instance), sizes, strict=True)
    ]
    await check_new_disks(nodes, move.target, requests, template, view)
