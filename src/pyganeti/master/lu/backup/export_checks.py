"""What must hold before an instance is exported; reads only."""

from collections.abc import Iterable
from typing import Final

from pyganeti.master.backup.compression import check_compression
from pyganeti.master.disks.ext import check_providers, wanted_of
from pyganeti.master.disks.space import check_space, volume_group, wanted_space
from pyganeti.master.instances.guests import check_online, refused_by
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate, ExportMode
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import SNAPSHOTS
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.wire.noderpc.os import OsValidateCall

# What the guest that zeroes disks may take: to boot and end, and for each MiB of them. Ganeti's
# HELPER_VM_STARTUP and ZEROING_TIMEOUT_PER_MIB.
ZEROING_FIXED_S: Final = 300.0
ZEROING_PER_MIB_S: Final = 0.05


def target_node(op: OpBackupExport, view: ClusterView) -> Node | None:
    """The node that is to keep the export; none of one that goes to another cluster.

    Raises:
        OpPrereqError: there is no such node.
    """
    if op.mode is ExportMode.REMOTE:
        return None
    if not isinstance(op.target_node, str):
        raise OpPrereqError("a local export needs the name of a node as its target", ECode.INVAL)
    return view.node(op.target_node)


def check_request(op: OpBackupExport, view: ClusterView) -> None:
    """Refuse a target that takes nothing, and what the options contradict.

    Raises:
        OpPrereqError: says which.
    """
    if op.zero_free_space:
        _check_zeroing(op, view)
    if op.ignore_remove_failures and not op.remove_instance:
        text = "failures of the removal are to be ignored, but the instance is not to be removed"
        raise OpPrereqError(text, ECode.INVAL)
    target = target_node(op, view)
    check_compression(op.compress, view)
    if target is None:
        return
    if op.x509_key_name is not None or op.destination_x509_ca is not None:
        text = "x509_key_name and destination_x509_ca are for exports to another cluster"
        raise OpPrereqError(text, ECode.INVAL)
    check_online(view, target.uuid)
    if target.drained:
        raise OpPrereqError(f"node {target.name} is drained: no new exports", ECode.STATE)


def _check_zeroing(op: OpBackupExport, view: ClusterView) -> None:
    if not view.cluster.zeroing_image:
        text = "the cluster has no image of the guest that zeroes free space"
        raise OpPrereqError(f"{text}: set one with --zeroing-image", ECode.STATE)
    for name in ("zeroing_timeout_fixed", "zeroing_timeout_per_mib"):
        given = getattr(op, name)
        if given is not None and given < 0:
            raise OpPrereqError(f"{name} is {given}, it cannot be less than 0", ECode.INVAL)
    if not op.shutdown:
        text = "free space is zeroed by another guest, so the instance's must be shut down"
        raise OpPrereqError(text, ECode.INVAL)
    if op.compress == "none":
        text = "to zero free space makes dumps smaller only where they are compressed"
        raise OpPrereqError(f"{text}: choose a tool with --transport-compression", ECode.INVAL)


def zeroing_limit(op: OpBackupExport, sizes: Iterable[int]) -> float:
    """How long in s the guest may take that zeroes disks of these sizes in MiB."""
    fixed = ZEROING_FIXED_S if op.zeroing_timeout_fixed is None else op.zeroing_timeout_fixed
    each = op.zeroing_timeout_per_mib
    return fixed + sum(sizes) * (ZEROING_PER_MIB_S if each is None else each)


async def check_os_exports(instance: Instance, view: ClusterView, nodes: NodeReader) -> None:
    """Refuse when no script on the instance's node can read its disks.

    Raises:
        OpPrereqError: it has no OS, or its node has not this one.
    """
    if not instance.disks:
        return
    if not instance.os:
        text = f"instance {instance.name} has no OS, whose scripts could read its disks"
        raise OpPrereqError(text, ECode.STATE)
    call = OsValidateCall(required=True, name=instance.os, checks=(), force_variant=True)
    try:
        await nodes.call(instance.primary_node, call)
    except GenericError as err:
        raise refused_by(view.node(instance.primary_node), err, ECode.ENVIRON) from err


async def uses_snapshots(
    op: OpBackupExport, instance: Instance, view: ClusterView, nodes: NodeReader
) -> bool:
    """Whether snapshots of a running instance are read; otherwise it is down meanwhile.

    Raises:
        OpPrereqError: it may not be down, or not so long.
    """
    if op.remove_instance:
        if not op.shutdown:
            text = f"instance {instance.name} runs, and is not removed without being shut down"
            raise OpPrereqError(text, ECode.STATE)
        return False
    why = await _no_snapshots(instance, view, nodes)
    if why is not None and not (op.shutdown and op.long_sleep):
        text = f"{why}, so it must be down while they are read: allow that with --long-sleep"
        raise OpPrereqError(f"instance {instance.name} runs; {text}", ECode.STATE)
    return why is None and bool(instance.disks)


async def _no_snapshots(instance: Instance, view: ClusterView, nodes: NodeReader) -> str | None:
    """Why there are no snapshots of its disks; of none there is nothing to keep."""
    disks = view.disks_of(instance)
    if not disks:
        return None
    template = disks[0].dev_type
    if template not in SNAPSHOTS:
        return f"disks of template {template} have no snapshots"
    node = view.node(instance.primary_node)
    if template is DiskTemplate.EXT:
        scripts = await check_providers(nodes, node, wanted_of(disks))
        return None if "snapshot" in scripts else "a provider of its disks has no snapshots"
    wanted = wanted_space(
        view, DiskTemplate.PLAIN, [(volume_group(disk), disk.size) for disk in disks]
    )
    try:
        await check_space(nodes, node, wanted, view.cluster.cluster_name)
    except OpPrereqError as err:
        if err.code is not ECode.NORES:
            raise
        return f"there is no room for snapshots of its disks ({err})"
    return None
