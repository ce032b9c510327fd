"""Move instances off a node: ``gnt-node evacuate``, ``POST /2/nodes/[name]/evacuate``.

Submits a job for each, or those that an allocator advises. Source: gnt-node(8) EVACUATE.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pyganeti.master.iallocator.advice import Relocation, advised
from pyganeti.master.iallocator.requests import NodeEvacuate
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, EvacMode, ReplaceDisksMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import (
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceReplaceDisks,
)
from pyganeti.opcodes.node import OpNodeEvacuate


class LUNodeEvacuate(LogicalUnit[OpNodeEvacuate, Relocation, dict[str, Any]]):
    """Submit a job for each instance that has to leave.

    Any: ``{"jobs": [[ok, id], ...]}``.
    """

    def declare_locks(self, op: OpNodeEvacuate, view: ClusterView) -> LockRequest:
        """The node, shared: the jobs lock what they need."""
        if op.iallocator is not None:
            chosen_allocator(op.iallocator, view)
        return LockRequest(shared_nodes=frozenset({view.node(op.node_name).uuid}))

    async def check_prereq(
        self, op: OpNodeEvacuate, view: ClusterView, nodes: NodeReader
    ) -> Relocation:
        """Decide the jobs; each finds out by itself whether its instance can go.

        Raises:
            OpPrereqError: there is no such node, or nobody says where instances shall go.
        """
        node = view.node(op.node_name)
        if op.iallocator is not None:
            return await _advised(op, view, nodes, node)
        if op.mode is EvacMode.SECONDARY:
            return Relocation(tuple((one,) for one in _replacements(op, view, node)))
        if op.mode is EvacMode.ALL:
            text = "evacuate primary and secondary instances one after the other"
            raise OpPrereqError(f"not both at once: {text}", ECode.INVAL)
        if op.remote_node is not None:
            text = "a new secondary node is for secondary instances, primary ones go to theirs"
            raise OpPrereqError(text, ECode.INVAL)
        return Relocation(tuple((one,) for one in _moves(op, view, node)))

    def outline(self, plan: Relocation, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return plan.outline()

    async def execute(self, run: Run, plan: Relocation) -> dict[str, Any]:
        """Submit them."""
        return await plan.submit(run)


async def _advised(
    op: OpNodeEvacuate, view: ClusterView, nodes: NodeReader, node: Node
) -> Relocation:
    """What an allocator advises.

    Raises:
        OpPrereqError: it does not know where all instances could go, or a node is given too.
    """
    if op.remote_node is not None:
        text = "either a new secondary node or an allocator can be given, but not both"
        raise OpPrereqError(text, ECode.INVAL)
    sides = {
        EvacMode.PRIMARY: [view.primary_instances(node.uuid)],
        EvacMode.SECONDARY: [view.secondary_instances(node.uuid)],
    }
    chosen = sides.get(op.mode) or [one for side in sides.values() for one in side]
    instances = tuple(one for side in chosen for one in side)
    if not instances:
        return Relocation(())
    what = f"place for the instances of node {node.name}"
    options = ("--ignore-soft-errors",) if op.ignore_soft_errors else ()
    request = NodeEvacuate(instances, op.mode)
    return await advised(op, view, nodes, request, what, options=options)


def _replacements(op: OpNodeEvacuate, view: ClusterView, node: Node) -> Iterable[Opcode]:
    """New secondary nodes for the instances that have their mirrors on ``node``."""
    if op.remote_node is None:
        raise OpPrereqError("name the new secondary node, or an allocator", ECode.INVAL)
    remote = view.node(op.remote_node)
    if remote.uuid == node.uuid:
        raise OpPrereqError(f"node {node.name} is the one to be evacuated", ECode.INVAL)
    instances = _real(view.secondary_instances(node.uuid))
    _refuse(
        (one for one in instances if one.primary_node == remote.uuid),
        f"node {remote.name} cannot be the new secondary node of its primary instances",
    )
    for instance in instances:
        yield OpInstanceReplaceDisks(
            instance_name=instance.name,
            mode=ReplaceDisksMode.NEW_SECONDARY,
            remote_node=remote.name,
            early_release=op.early_release,
            priority=op.priority,
        )


def _moves(op: OpNodeEvacuate, view: ClusterView, node: Node) -> Iterable[Opcode]:
    """Moves of the instances that run on ``node`` to where their mirrors are."""
    instances = _real(view.primary_instances(node.uuid))
    _refuse(
        (one for one in instances if not view.secondary_nodes(one)),
        "without an allocator only instances on mirrored disks know where to go",
    )
    for instance in instances:
        if instance.admin_state is AdminState.UP and not node.offline:
            yield OpInstanceMigrate(
                instance_name=instance.name, allow_failover=True, priority=op.priority
            )
        else:
            yield OpInstanceFailover(instance_name=instance.name, priority=op.priority)


def _real(instances: Iterable[Instance]) -> list[Instance]:
    """Without those that are only reserved: of them there is nothing on the node."""
    return [one for one in instances if not one.forthcoming]


def _refuse(instances: Iterable[Instance], why: str) -> None:
    names = [one.name for one in instances]
    if names:
        raise OpPrereqError(f"{why}: {', '.join(names)}", ECode.INVAL)
