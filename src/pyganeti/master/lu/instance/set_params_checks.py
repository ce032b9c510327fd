"""What must hold before an instance is changed; reads only.

A check that cannot be made, because a node does not answer, becomes a warning where the change
itself needs no node.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from pyganeti.master.disks.changed import ChangedDisks
from pyganeti.master.instances.guests import (
    check_bridges,
    check_online,
    check_os,
    free_memory,
    guest_info,
    refused_by,
)
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import ECode, GenericError, NodeCallError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.state_disks import check_states
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.wire.noderpc.guests import GuestInfo
from pyganeti.wire.noderpc.instance import HypervisorValidateParamsCall

# Fields that the instance policy limits.
_LIMITED = frozenset({"beparams", "nics", "primary_node"})


class Guest:
    """The instance's guest, as far as its node tells.

    Attributes:
        info: the guest; ``None`` when it does not run, or nobody knows.
        unknown: why nobody knows.
    """

    def __init__(self, info: GuestInfo | None, unknown: str | None) -> None:
        self.info = info
        self.unknown = unknown


async def find_guest(nodes: NodeReader, view: ClusterView, instance: Instance) -> Guest:
    """Ask the primary node, if it can be asked."""
    try:
        check_online(view, instance.primary_node)
        return Guest(await guest_info(nodes, view, instance), None)
    except (OpPrereqError, NodeCallError) as err:
        return Guest(None, str(err))


def check_forthcoming(op: OpInstanceSetParams, before: Instance) -> None:
    """Refuse what an instance that is only reserved cannot have changed: disks and places.

    Raises:
        OpPrereqError: ``ECode.STATE``.
    """
    if before.forthcoming and (op.disks or op.disk_template or op.pnode or op.offline is not None):
        text = f"instance {before.name} is forthcoming: its disks, node and state are those"
        raise OpPrereqError(f"{text} that it was reserved with", ECode.STATE)


def check_state(op: OpInstanceSetParams, before: Instance, guest: Guest) -> None:
    """Refuse to mark a running instance offline.

    Raises:
        OpPrereqError: ``ECode.STATE``.
    """
    if op.offline and guest.info is not None:
        raise OpPrereqError(f"instance {before.name} is running, shut it down", ECode.STATE)


def check_new_primary(
    op: OpInstanceSetParams, before: Instance, view: ClusterView, guest: Guest
) -> dict[str, Any]:
    """The field that another primary node changes; the disks were moved there by hand.

    Raises:
        OpPrereqError: it cannot take the instance, or that still runs on the old one.
    """
    if op.pnode is None or view.node(op.pnode).uuid == before.primary_node:
        return {}
    node = view.node(op.pnode)
    check_online(view, node.uuid)
    if node.drained or not node.vm_capable:
        why = "drained" if node.drained else "not vm_capable"
        raise OpPrereqError(f"node {node.name} is {why}", ECode.STATE)
    if guest.info is not None and not op.force:
        old = view.node(before.primary_node).name
        text = f"instance {before.name} is still running on {old}"
        raise OpPrereqError(text, ECode.STATE)
    mirrored = [disk for disk in view.disks_of(before) if disk.dev_type is DiskTemplate.DRBD]
    if any(node.uuid not in disk.nodes for disk in mirrored):
        text = f"node {node.name} is no secondary node of instance {before.name}"
        raise OpPrereqError(f"{text}, use replace-disks to make it one", ECode.INVAL)
    return {"primary_node": node.uuid}


def check_ipolicy(
    after: Instance, fields: Mapping[str, Any], changed: ChangedDisks | None, view: ClusterView
) -> None:
    """Refuse what the policy of the instance's group does not admit, where that is changed.

    Raises:
        OpPrereqError: ``ECode.INVAL``; lists all violations.
    """
    if not _LIMITED & fields.keys() and changed is None:
        return
    disks = view.disks_of(after) if changed is None else changed.final
    template = disks[0].dev_type if disks else DiskTemplate.DISKLESS
    shape = InstanceShape.of(after, view, disks, template)
    group = view.group_of(view.node(after.primary_node))
    check_policy(shape, view.ipolicy(group), f"instance {after.name}")


def check_state_disks(
    after: Instance, fields: Mapping[str, Any], changed: ChangedDisks | None, view: ClusterView
) -> None:
    """Refuse parameters without the disks that they need, and disks without being needed any more.

    Raises:
        OpPrereqError: as :func:`~pyganeti.model.state_disks.check_states`.
    """
    if changed is not None or {"hvparams", "os"} & fields.keys():
        disks = view.disks_of(after) if changed is None else changed.final
        check_states(after.name, view.filled_hvparams(after), disks)


async def check_hypervisor(nodes: NodeReader, view: ClusterView, after: Instance) -> None:
    """Refuse hypervisor parameters that a node of the instance cannot have.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``; names node and parameter.
    """
    hvparams = view.filled_hvparams(after)
    call = HypervisorValidateParamsCall(hypervisor=after.hypervisor, hvparams=hvparams)
    for node in view.instance_nodes(after):
        if node.offline:
            continue
        try:
            await nodes.call(node.uuid, call)
        except GenericError as err:
            raise refused_by(node, err, ECode.ENVIRON) from err


async def check_more_memory(
    nodes: NodeReader, view: ClusterView, before: Instance, after: Instance, guest: Guest
) -> list[str]:
    """Refuse more memory than there is on the nodes where the instance should be able to start.

    Returns: warnings, of nodes that cannot be asked.

    Raises:
        OpPrereqError: ``ECode.NORES``; says how much is missing where.
    """
    wanted = view.filled_beparams(after).maxmem
    if wanted <= view.filled_beparams(before).maxmem:
        return []
    has = 0 if guest.info is None else guest.info.memory
    places: list[tuple[Node, int]] = [(view.node(after.primary_node), wanted - has)]
    if view.filled_beparams(after).auto_balance:
        places += [(node, wanted) for node in view.secondary_nodes(after)]
    warnings = []
    for node, needed in places:
        try:
            check_online(view, node.uuid)
            free = await free_memory(nodes, view, node, after.hypervisor)
        except (OpPrereqError, NodeCallError) as err:
            warnings.append(f"whether the memory is enough is not known: {err}")
            continue
        if needed > free:
            text = f"with {wanted} MiB instance {after.name} could not start on node {node.name}"
            raise OpPrereqError(f"{text}, where {needed - free} MiB are missing", ECode.NORES)
    return warnings


async def check_links(
    nodes: NodeReader, view: ClusterView, after: Instance, nics: Sequence[Nic], *, force: bool
) -> list[str]:
    """Refuse bridges of new and changed NICs that the primary node does not have.

    Returns: warnings, if that is forced or the node is offline.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``; names node and bridge.
    """
    spec = instance_spec(view, msgspec.structs.replace(after, nics=tuple(nics)), disks=())
    try:
        check_online(view, after.primary_node)
        await check_bridges(nodes, view, spec)
    except OpPrereqError as err:
        if not force and not view.node(after.primary_node).offline:
            raise
        return [str(err)]
    return []


async def check_new_os(
    nodes: NodeReader, view: ClusterView, after: Instance, op: OpInstanceSetParams
) -> list[str]:
    """Refuse an OS, or parameters of it, that the primary node does not know.

    Returns: warnings, if that is forced.

    Raises:
        OpPrereqError: as :func:`~pyganeti.master.instances.guests.check_os`.
    """
    try:
        check_online(view, after.primary_node)
        spec = instance_spec(view, after, disks=())
        await check_os(nodes, view, spec, force_variant=op.force_variant)
    except OpPrereqError as err:
        if not op.force:
            raise
        return [str(err)]
    return []


def restart_needed(
    changed: Collection[str], before: Instance, guest: Guest, *, hotplug: bool
) -> list[str]:
    """What to tell of a running instance of which what ``changed`` counts from its next start."""
    later = ("hvparams", "beparams", *(() if hotplug else ("nics", "disks")))
    names = [name for name in later if name in changed]
    if guest.unknown is not None and before.admin_state is AdminState.UP:
        return [f"whether it runs is not known: {guest.unknown}"]
    if guest.info is None or not names:
        return []
    what = {
        "hvparams": "hypervisor parameters",
        "beparams": "backend parameters",
        "nics": "NICs",
        "disks": "disks",
    }
    new = " and ".join(what[name] for name in names)
    return [f"instance {before.name} is running: its new {new} count from its next start"]
