"""What operations have in common that give an instance another primary node.

    opcode -> find_target -> Move (the instance here and there) -> check_target -> steps

Used by failover and migration. Source: gnt-instance(8) FAILOVER, MIGRATE; design note 0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from pyganeti.master.changes import moved_disks
from pyganeti.master.disks.ext import check_providers, wanted_of
from pyganeti.master.disks.mirrors import mirrored
from pyganeti.master.iallocator.choosing import choose_node, possible_nodes
from pyganeti.master.iallocator.requests import Relocate
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.instances.guests import (
    bare_spec,
    check_bridges,
    check_online,
    guest_info,
    refused_by,
    shut_down_disks,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext
from pyganeti.master.nodes import NodeReader, NodeWriter
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import EXTERNALLY_MIRRORED, INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceFailover, OpInstanceMigrate
from pyganeti.wire.noderpc.blockdev import (
    BlockdevCloseCall,
    BlockdevGetmirrorstatusCall,
    BlockdevOpenCall,
)
from pyganeti.wire.noderpc.disks import LocalDisk
from pyganeti.wire.noderpc.instance import HypervisorValidateParamsCall
from pyganeti.wire.noderpc.specs import InstanceSpec


@dataclass(frozen=True, slots=True)
class Move:
    """An instance on its way from one node to another.

    Attributes:
        instance: as recorded.
        source: its primary node.
        target: the one to be.
        here: the instance as the source knows it.
        there: as the target will.
    """

    instance: Instance
    source: Node
    target: Node
    here: InstanceSpec
    there: InstanceSpec

    @classmethod
    def of(cls, view: ClusterView, instance: Instance, target: Node) -> "Move":
        """The move of ``instance`` to ``target``."""
        return cls.between(view, instance, view.node(instance.primary_node), target)

    @classmethod
    def between(cls, view: ClusterView, instance: Instance, source: Node, target: Node) -> "Move":
        """The move of ``instance`` from ``source``, wherever it is recorded by now."""
        here, there = spec_on(view, instance, source), spec_on(view, instance, target)
        return cls(instance, source, target, here, there)


def _moved(view: ClusterView, instance: Instance, node: Node) -> tuple[Instance, tuple[Disk, ...]]:
    """``instance`` and its disks as they will be once ``node`` is its primary node."""
    disks = moved_disks(view.disks_of(instance), instance.primary_node, node.uuid)
    return msgspec.structs.replace(instance, primary_node=node.uuid), disks


def spec_on(view: ClusterView, instance: Instance, node: Node) -> InstanceSpec:
    """``instance`` as ``node`` will know it once that is its primary node."""
    moved, disks = _moved(view, instance, node)
    return instance_spec(view, moved, disks=disks)


def bare_specs(view: ClusterView, move: Move) -> tuple[dict[str, object], dict[str, object]]:
    """The instance here and there without secrets, as the journal gets it."""
    here = bare_spec(view, move.instance)
    moved, disks = _moved(view, move.instance, move.target)
    return msgspec.to_builtins(here), msgspec.to_builtins(bare_spec(view, moved, disks))


def allocates(
    view: ClusterView, instance: Instance, op: OpInstanceFailover | OpInstanceMigrate
) -> bool:
    """Whether an allocator is to choose the target: no node is given, and any could be it.

    Raises:
        OpPrereqError: ``ECode.INVAL``, one was asked for and cannot choose.
    """
    if op.iallocator is not None and op.target_node is not None:
        text = "an allocator has nothing to choose where a node is given"
        raise OpPrereqError(text, ECode.INVAL)
    template = view.disk_template(instance)
    if template not in EXTERNALLY_MIRRORED:
        if op.iallocator is not None and template in INTERNALLY_MIRRORED:
            text = f"instance {instance.name} ({template}) can only go to its secondary node"
            raise OpPrereqError(f"{text}, an allocator has nothing to choose", ECode.INVAL)
        return False
    if op.cleanup or op.target_node is not None:
        return False
    return bool(op.iallocator or view.cluster.default_iallocator)


async def choose_target(
    nodes: NodeReader,
    view: ClusterView,
    instance: Instance,
    op: OpInstanceFailover | OpInstanceMigrate,
    what: str,
) -> tuple[Node, tuple[str, ...]]:
    """The node to go to, and what the job's log says of how it was chosen.

    Raises:
        OpPrereqError: as :func:`find_target`, or the allocator finds none.
    """
    if not allocates(view, instance, op):
        return find_target(view, instance, op.target_node, what), ()
    request = Relocate(instance)
    choice = await choose_node(nodes, view, op.iallocator, request, instance.name)
    return find_target(view, instance, choice.node.name, what), choice.lines


def find_target(view: ClusterView, instance: Instance, wanted: str | None, what: str) -> Node:
    """The node to go to: of mirrored disks the other node, of shared ones the one ``wanted``.

    Args:
        view: the snapshot.
        instance: to be moved.
        wanted: name of a node, if one was given.
        what: the operation, in the plural: ``failovers``.

    Raises:
        OpPrereqError: its disks are nowhere else, or no node or the wrong one was given.
    """
    template = view.disk_template(instance)
    if template in INTERNALLY_MIRRORED:
        (secondary,) = view.secondary_nodes(instance)
        if wanted is not None and view.node(wanted).uuid != secondary.uuid:
            raise OpPrereqError(
                f"the disks of instance {instance.name} ({template}) are on its primary node and on"
                f" {secondary.name}, so it cannot go to {wanted};"
                " gnt-instance replace-disks changes the secondary node"
            )
        return secondary
    if template not in EXTERNALLY_MIRRORED:
        raise OpPrereqError(
            f"instance {instance.name} has disks of template {template}, which allows no {what}:"
            " no other node has them",
            ECode.STATE,
        )
    if wanted is None:
        text = (
            f"instance {instance.name}: name the node to go to with --target-node, or an allocator"
            " that chooses one with --iallocator"
        )
        raise OpPrereqError(text)
    target = view.node(wanted)
    if target.uuid == instance.primary_node:
        text = f"node {target.name} is the primary node of instance {instance.name} already"
        raise OpPrereqError(text, ECode.STATE)
    return target


def move_locks(
    view: ClusterView, op: OpInstanceFailover | OpInstanceMigrate, what: str
) -> LockRequest:
    """Lock the instance and both nodes with their resources; to clean up, all that may run it.

    Args:
        view: the snapshot.
        op: what is asked for.
        what: the operations are called, in the plural.

    Raises:
        OpPrereqError: there is no target, and no allocator that could choose one; or there is, and
            one cleans up.
    """
    instance = view.instance(op.instance_name)
    if op.cleanup:
        _check_no_target(op)
    name = frozenset({instance.name})
    if allocates(view, instance, op):
        chosen_allocator(op.iallocator, view)
        some = possible_nodes(view, instance)
        return LockRequest(instances=name, nodes=some, node_res=some)
    if op.cleanup:
        shared = view.disk_template(instance) in EXTERNALLY_MIRRORED
        pair = frozenset(node.uuid for node in view.instance_nodes(instance))
        return LockRequest(instances=name, shared_nodes=frozenset({ALL}) if shared else pair)
    target = find_target(view, instance, op.target_node, what)
    both = frozenset({instance.primary_node, target.uuid})
    return LockRequest(instances=name, nodes=both, node_res=both)


def _check_no_target(op: OpInstanceFailover | OpInstanceMigrate) -> None:
    """Refuse a choice of where an instance is to be that is looked for."""
    if op.target_node is None and op.iallocator is None:
        return
    text = "cleaning up leaves an instance where it is found to run"
    raise OpPrereqError(f"{text}: no target node and no allocator can be given", ECode.INVAL)


async def check_target(
    nodes: NodeReader, view: ClusterView, move: Move, *, starts: bool, ignore_ipolicy: bool
) -> None:
    """Refuse a target that cannot have the instance.

    Args:
        nodes: asks it.
        view: the snapshot.
        move: what is to go there.
        starts: its guest will run there, and needs bridges and the hypervisor. What memory it needs
            is for the caller to check: one that starts needs all, one that runs what it has.
        ignore_ipolicy: do not look at the policy of the target's group, where that is another.

    Raises:
        OpPrereqError: its role or policy forbids it, or it lacks something.
    """
    check_online(view, move.target.uuid)
    if move.target.drained:
        text = f"node {move.target.name} is drained: no instances come to it"
        raise OpPrereqError(text, ECode.STATE)
    if not move.target.vm_capable:
        raise OpPrereqError(f"node {move.target.name} is not vm_capable", ECode.STATE)
    # Within a group the move changes nothing about what the policy admits.
    if move.target.group != move.source.group and not ignore_ipolicy:
        disks = view.disks_of(move.instance)
        shape = InstanceShape.of(move.instance, view, disks, _template(move.here))
        policy = view.ipolicy(view.group_of(move.target))
        check_policy(shape, policy, f"instance {move.instance.name} on node {move.target.name}")
    await check_providers(nodes, move.target, wanted_of(view.disks_of(move.instance)))
    if starts:
        await _check_hypervisor(nodes, move)
        await check_bridges(nodes, view, move.there)


def _template(spec: InstanceSpec) -> DiskTemplate:
    return DiskTemplate(spec.disk_template)


async def _check_hypervisor(nodes: NodeReader, move: Move) -> None:
    spec = move.there
    call = HypervisorValidateParamsCall(hypervisor=spec.hypervisor, hvparams=spec.hvparams)
    try:
        await nodes.call(move.target.uuid, call)
    except GenericError as err:
        raise refused_by(move.target, err, ECode.ENVIRON) from err


async def check_runs_not_there(nodes: NodeReader, view: ClusterView, move: Move) -> None:
    """Refuse when the target runs the guest already: no second copy must ever be started.

    Raises:
        OpPrereqError: ``ECode.STATE``.
    """
    moved = msgspec.structs.replace(move.instance, primary_node=move.target.uuid)
    if await guest_info(nodes, view, moved) is not None:
        raise OpPrereqError(
            f"instance {move.instance.name} runs on node {move.target.name}, but its primary node"
            f" is {move.source.name}; --cleanup records where it runs",
            ECode.STATE,
        )


async def find_bad_mirrors(
    nodes: NodeReader, move: Move, *, synced: bool, connected: bool = True
) -> list[str]:
    """What keeps the target's side of mirrored disks from being used, a line each.

    Args:
        nodes: asks the target.
        move: whose disks, which are active.
        synced: either side must have all that the other has.
        connected: what the source writes must reach the target.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``, it does not say.
    """
    disks = mirrored(move.there.disks)
    if not disks:
        return []
    try:
        found = await nodes.call(move.target.uuid, BlockdevGetmirrorstatusCall(disks=disks))
    except GenericError as err:
        raise refused_by(move.target, err, ECode.ENVIRON) from err
    node, bad = move.target.name, []
    for disk, status in zip(disks, found, strict=True):
        if status is None:
            bad.append(f"{disk.iv_name} is not active on target node {node}")
        elif status.local_disk is not LocalDisk.OKAY:
            bad.append(f"{disk.iv_name} is degraded on target node {node}")
        elif connected and not status.connected:
            text = f"{disk.iv_name} is not connected on target node {node}"
            bad.append(f"{text}, which may lack what was written last")
        elif synced and status.degraded:
            bad.append(f"{disk.iv_name} is not fully synchronized on target node {node}")
    return bad


def move_hooks(
    move: Move, view: ClusterView, own: Mapping[str, object], *, source: bool = False
) -> HookContext:
    """Hooks of a move: the old primary node runs those that come after it.

    Args:
        move: from where to where.
        view: the snapshot.
        own: the operation's own variables.
        source: whether the old primary node runs those that come before it, too.
    """
    instance = view.instance(move.instance.uuid)
    mirrored = move.here.disk_template in INTERNALLY_MIRRORED
    env = {
        "OLD_PRIMARY": move.source.name,
        "NEW_PRIMARY": move.target.name,
        "OLD_SECONDARY": move.target.name if mirrored else "",
        "NEW_SECONDARY": move.source.name if mirrored else "",
        **own,
    }
    old, new = move.source.uuid, move.target.uuid
    others = (view.cluster.master_node, *move.here.secondary_nodes, new)
    return replace(
        instance_hooks(instance, view, None, **env),
        pre=(*others, old) if source else others,
        post=(*others, old),
    )


async def open_disks(nodes: NodeWriter, move: Move, *, there: bool, exclusive: bool) -> None:
    """Let the guest write to its disks on one of the nodes, alone or while it moves on both.

    Raises:
        GenericError: a disk is not assembled, or the other node writes to it.
    """
    spec = move.there if there else move.here
    if spec.disks:
        call = BlockdevOpenCall(disks=spec.disks, instance_name=spec.name, exclusive=exclusive)
        await nodes.call(spec.primary_node, call)


async def close_disks(nodes: NodeWriter, move: Move, *, there: bool) -> None:
    """Take the disks from one of the nodes; one of a mirrored pair stays assembled.

    Raises:
        GenericError: a disk is in use.
    """
    spec = move.there if there else move.here
    if spec.disks:
        call = BlockdevCloseCall(disks=spec.disks, instance_name=spec.name)
        await nodes.call(spec.primary_node, call)
    if spec.disk_template in EXTERNALLY_MIRRORED:
        await shut_down_disks(nodes, spec)
