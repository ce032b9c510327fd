"""Move instances off a node: ``gnt-node evacuate``, ``POST /2/nodes/[name]/evacuate``.

Submits a job for each. Source: gnt-node(8) EVACUATE; an allocator's choice of places comes later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyganeti.master.instances.moving import refuse_allocator
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


@dataclass(frozen=True, slots=True)
class NodeEvacuatePlan:
    """What each instance does, in order."""

    moves: tuple[Opcode, ...]


class LUNodeEvacuate(LogicalUnit[OpNodeEvacuate, NodeEvacuatePlan, dict[str, Any]]):
    """Submit a job for each instance that has to leave.

    Any: ``{"jobs": [[ok, id], ...]}``.
    """

    def declare_locks(self, op: OpNodeEvacuate, view: ClusterView) -> LockRequest:
        """The node, shared: the jobs lock what they need."""
        refuse_allocator(op.iallocator)
        return LockRequest(shared_nodes=frozenset({view.node(op.node_name).uuid}))

    async def check_prereq(
        self, op: OpNodeEvacuate, view: ClusterView, nodes: NodeReader
    ) -> NodeEvacuatePlan:
        """Decide the jobs; each finds out by itself whether its instance can go.

        Raises:
            OpPrereqError: there is no such node, or nobody says where instances shall go.
        """
        node = view.node(op.node_name)
        if op.mode is EvacMode.SECONDARY:
            return NodeEvacuatePlan(tuple(_replacements(op, view, node)))
        if op.mode is EvacMode.ALL:
            text = "evacuate primary and secondary instances one after the other"
            raise OpPrereqError(f"not both at once: {text}", ECode.INVAL)
        if op.remote_node is not None:
            text = "a new secondary node is for secondary instances, primary ones go to theirs"
            raise OpPrereqError(text, ECode.INVAL)
        return NodeEvacuatePlan(tuple(_moves(op, view, node)))

    def outline(self, plan: NodeEvacuatePlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {one.summary()}" for one in plan.moves]

    async def execute(self, run: Run, plan: NodeEvacuatePlan) -> dict[str, Any]:
        """Submit them."""
        async with run.step("submit jobs"):
            return {"jobs": await run.submit([[one] for one in plan.moves])}


def _replacements(op: OpNodeEvacuate, view: ClusterView, node: Node) -> Iterable[Opcode]:
    """New secondary nodes for the instances that have their mirrors on ``node``."""
    if op.remote_node is None:
        raise OpPrereqError("name the new secondary node, or an allocator", ECode.INVAL)
    remote = view.node(op.remote_node)
    if remote.uuid == node.uuid:
        raise OpPrereqError(f"node {node.name} is the one to be evacuated", ECode.INVAL)
    instances = view.secondary_instances(node.uuid)
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
    instances = view.primary_instances(node.uuid)
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


def _refuse(instances: Iterable[Instance], why: str) -> None:
    names = [one.name for one in instances]
    if names:
        raise OpPrereqError(f"{why}: {', '.join(names)}", ECode.INVAL)
