"""What instance operations have in common: their disks and guests on their nodes.

Free functions over a node reader or writer; each is idempotent, since the node calls are.
"""

from functools import partial
from typing import Protocol

import msgspec

from pyganeti.master.config import Config
from pyganeti.master.disks.mirrors import Warn, on_secondary
from pyganeti.master.disks.space import but_reserved
from pyganeti.master.instances.specs import instance_spec, without_secret
from pyganeti.master.jobs.run import Run
from pyganeti.master.nodes import NodeReader, NodeWriter
from pyganeti.model.disk import Disk
from pyganeti.model.errors import (
    ECode,
    GenericError,
    NodeCallError,
    OpExecError,
    OpPrereqError,
)
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BlockdevAssembleCall, BlockdevShutdownCall
from pyganeti.wire.noderpc.guests import GuestInfo, GuestState
from pyganeti.wire.noderpc.instance import (
    InstanceInfoCall,
    InstanceShutdownCall,
    InstanceStartCall,
)
from pyganeti.wire.noderpc.node import BridgesExistCall, NodeInfoCall
from pyganeti.wire.noderpc.os import OsValidateCall
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.struct import Params


class Scene(Protocol):
    """What an operation's ``Run`` has, and an undo's context as well."""

    config: Config
    nodes: NodeWriter

    def log(self, message: str) -> None:
        """Tell the user."""
        ...


async def guest_info(nodes: NodeReader, view: ClusterView, instance: Instance) -> GuestInfo | None:
    """The guest on its primary node; ``None`` when it is not there, or was shut down from inside.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``, the node does not answer.
    """
    hvparams = view.cluster.hvparams.get(instance.hypervisor, {})
    call = InstanceInfoCall(
        name=instance.name, hypervisor=instance.hypervisor, hvparams=dict(hvparams)
    )
    node = view.node(instance.primary_node)
    try:
        found = await nodes.call(node.uuid, call)
    except NodeCallError as err:
        text = f"node {node.name} cannot be asked about instance {instance.name}: {err}"
        raise OpPrereqError(text, ECode.ENVIRON) from err
    return None if found is None or found.state is GuestState.SHUTDOWN else found


def check_online(view: ClusterView, node_uuid: str) -> None:
    """Refuse a node that is marked offline.

    Raises:
        OpPrereqError: ``ECode.STATE``.
    """
    node = view.node(node_uuid)
    if node.offline:
        raise OpPrereqError(f"node {node.name} is marked offline", ECode.STATE)


async def check_bridges(nodes: NodeReader, view: ClusterView, spec: InstanceSpec) -> None:
    """Refuse when a bridge of the instance's NICs is missing on its primary node.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``; names node and bridge.
    """
    bridges = tuple(sorted({nic.link for nic in spec.nics if nic.mode == "bridged"}))
    if not bridges:
        return
    try:
        await nodes.call(spec.primary_node, BridgesExistCall(bridges=bridges))
    except GenericError as err:
        node = view.node(spec.primary_node).name
        raise OpPrereqError(f"on node {node}: {err}", ECode.ENVIRON) from err


async def free_memory(nodes: NodeReader, view: ClusterView, node: Node, hypervisor: str) -> int:
    """Memory in MiB that a node has for more guests.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``, it cannot be asked.
    """
    params: Params = dict(view.cluster.hvparams.get(hypervisor, {}))
    try:
        info = await nodes.call(node.uuid, NodeInfoCall(hypervisors={hypervisor: params}))
    except GenericError as err:
        text = f"node {node.name} cannot be asked for its memory: {err}"
        raise OpPrereqError(text, ECode.ENVIRON) from err
    if hypervisor not in info.hypervisors:
        why = info.errors.get(hypervisor, "not available")
        raise OpPrereqError(f"hypervisor {hypervisor} on node {node.name}: {why}", ECode.ENVIRON)
    return info.hypervisors[hypervisor].memory_free


async def check_memory(
    nodes: NodeReader, view: ClusterView, spec: InstanceSpec, reserved: int = 0
) -> None:
    """Refuse when the primary node has not the memory the guest starts with.

    Of what is free, ``reserved`` MiB are kept for others.

    Raises:
        OpPrereqError: ``ECode.NORES``; says what was wanted and what there was, in MiB.
    """
    node = view.node(spec.primary_node)
    free = await free_memory(nodes, view, node, spec.hypervisor)
    wanted = int(spec.beparams["maxmem"])
    if wanted > free - reserved:
        raise OpPrereqError(
            f"not enough memory on node {node.name} for instance {spec.name}:"
            f" wanted {wanted} MiB, free {free} MiB{but_reserved(reserved)}",
            ECode.NORES,
        )


def refused_by(node: Node, err: GenericError, code: ECode) -> OpPrereqError:
    """What ``node`` has against it; a call that failed names its node itself."""
    if isinstance(err, NodeCallError):
        return OpPrereqError(str(err), ECode.ENVIRON)
    return OpPrereqError(f"on node {node.name}: {err}", code)


async def check_os(
    nodes: NodeReader, view: ClusterView, spec: InstanceSpec, *, force_variant: bool
) -> None:
    """Refuse when the primary node cannot install the instance's OS with its parameters.

    Raises:
        OpPrereqError: ``ECode.INVAL``, or ``ECode.ENVIRON`` when the node does not answer.
    """
    call = OsValidateCall(
        required=True,
        name=spec.os,
        osparams=spec.osparams,
        osparams_private=spec.osparams_private,
        force_variant=force_variant,
    )
    try:
        await nodes.call(spec.primary_node, call)
    except GenericError as err:
        raise refused_by(view.node(spec.primary_node), err, ECode.INVAL) from err


async def start_guest(run: Run, spec: InstanceSpec, *, paused: bool = False) -> None:
    """Start the guest, unless its node has not the memory by now.

    Others may have started guests there since the prerequisites were checked, so memory is looked
    at again, one start a node at a time.

    Raises:
        OpExecError: too little memory is left.
        GenericError: the hypervisor refused or the node does not answer.
    """
    async with run.turns[spec.primary_node]:
        try:
            await check_memory(run.nodes, run.config.view, spec)
        except OpPrereqError as err:
            raise OpExecError(str(err)) from err
        call = InstanceStartCall(instance=spec, startup_paused=paused)
        await run.nodes.call(spec.primary_node, call)


async def assemble_disks(
    nodes: NodeWriter, view: ClusterView, spec: InstanceSpec, *, warn: Warn | None = None
) -> list[tuple[str, str, str]]:
    """Make the disks usable on their nodes, and let the primary one write.

    Args:
        nodes: calls.
        view: the cluster.
        spec: the instance, as told to its primary node.
        warn: told of what failed on a secondary node; without it that is an error.

    Returns:
        ``(node name, disk/N, path)`` for each disk on the primary node, in order.

    Raises:
        GenericError: one could not be assembled.
    """
    name = view.node(spec.primary_node).name
    # The mirrors come first: before anybody writes, both sides are to have met.
    for index, disk in enumerate(spec.disks):
        await on_secondary(nodes, disk, partial(_assembled_there, spec, index), warn)
    found = []
    for index, disk in enumerate(spec.disks):
        call = BlockdevAssembleCall(disk=disk, instance=spec, on_primary=True, index=index)
        device = await nodes.call(spec.primary_node, call)
        found.append((name, disk.iv_name, device.path))
    return found


async def assemble_again(scene: Scene, spec: InstanceSpec) -> None:
    """Assemble disks, or say why that cannot be.

    Raises:
        NodeCallError: a node does not answer.
    """
    try:
        await assemble_disks(scene.nodes, scene.config.view, spec)
    except NodeCallError:
        raise
    except GenericError as err:
        scene.log(f"Warning: not all disks of instance {spec.name} are active: {err}")


def _assembled_there(spec: InstanceSpec, index: int, disk: DiskSpec) -> BlockdevAssembleCall:
    return BlockdevAssembleCall(disk=disk, instance=spec, on_primary=False, index=index)


async def shut_down_disks(
    nodes: NodeWriter, spec: InstanceSpec, *, warn: Warn | None = None
) -> None:
    """Undo :func:`assemble_disks`; arguments as there.

    Raises:
        GenericError: one is in use, or the node does not answer.
    """
    for index, disk in enumerate(spec.disks):
        call = BlockdevShutdownCall(disk=disk, instance_name=spec.name, index=index)
        await nodes.call(spec.primary_node, call)
    for disk in spec.disks:
        await on_secondary(nodes, disk, lambda told: BlockdevShutdownCall(disk=told), warn)


async def stop_guest(nodes: NodeWriter, spec: InstanceSpec, timeout_s: float) -> None:
    """Stop the guest: ask it, and after ``timeout_s`` end it; one that is down is fine.

    Raises:
        OpExecError: it still runs, or the node does not answer.
    """
    try:
        await nodes.call(spec.primary_node, InstanceShutdownCall(instance=spec, timeout=timeout_s))
    except NodeCallError:
        raise
    except GenericError as err:
        raise OpExecError(f"could not shut down instance {spec.name}: {err}") from err


def bare_spec(
    view: ClusterView, instance: Instance, disks: tuple[Disk, ...] | None = None
) -> InstanceSpec:
    """The instance without OS parameters and secrets of its disks: none reaches the journal."""
    spec = instance_spec(view, instance, disks=disks)
    bare = tuple(without_secret(disk) for disk in spec.disks)
    return msgspec.structs.replace(spec, osparams={}, osparams_private={}, disks=bare)
