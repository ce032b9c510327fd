"""Move all instances out of a node group: ``gnt-group evacuate``.

An allocator says how; its moves are submitted as jobs.
Source: gnt-group(8) EVACUATE; hooks path ``group-evacuate``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.iallocator.advice import Jobs, Relocation, advised
from pyganeti.master.iallocator.requests import ChangeGroup
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.templates import MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.group import OpGroupEvacuate
from pyganeti.opcodes.instance import OpInstanceFailover, OpInstanceMigrate
from pyganeti.opcodes.types import Depends

# The job before, however it ends.
_AFTER_THE_LAST: Final[Depends] = ((-1, ("canceled", "error", "success")),)


@dataclass(frozen=True, slots=True)
class GroupEvacuatePlan:
    """What is to be submitted, and where that leads."""

    group: NodeGroup
    targets: tuple[NodeGroup, ...]
    relocation: Relocation


class LUGroupEvacuate(LogicalUnit[OpGroupEvacuate, GroupEvacuatePlan, dict[str, Any]]):
    """Submit the moves that an allocator advises.

    Any: ``{"jobs": [[ok, id], ...]}``.
    """

    hooks_path: ClassVar[str] = "group-evacuate"

    def declare_locks(self, op: OpGroupEvacuate, view: ClusterView) -> LockRequest:
        """Lock the groups, their nodes and the instances, shared: jobs do the work."""
        chosen_allocator(op.iallocator, view)
        group = view.group(op.group_name)
        groups = {group.uuid, *(target.uuid for target in _targets(op, view, group))}
        nodes = (node.uuid for node in view.nodes.values() if node.group in groups)
        return LockRequest(
            shared_instances=frozenset(one.name for one in _real_instances(view, group)),
            shared_groups=frozenset(groups),
            shared_nodes=frozenset(nodes),
        )

    async def check_prereq(
        self, op: OpGroupEvacuate, view: ClusterView, nodes: NodeReader
    ) -> GroupEvacuatePlan:
        """Ask the allocator.

        Raises:
            OpPrereqError: there is no other group, disks of an instance cannot go anywhere, or the
                allocator does not know where all instances could go.
        """
        group = view.group(op.group_name)
        targets = _targets(op, view, group)
        instances = _real_instances(view, group)
        _check_moves(view, instances)
        if not instances:
            return GroupEvacuatePlan(group, targets, Relocation(()))
        what = f"place for the instances of node group {group.name}"
        request = ChangeGroup(tuple(instances), targets)
        found = await advised(op, view, nodes, request, what)
        return GroupEvacuatePlan(group, targets, replace(found, jobs=_as_asked(op, found.jobs)))

    def hooks(self, plan: GroupEvacuatePlan, view: ClusterView) -> HookContext:
        """On the master and the members."""
        name = plan.group.name
        members = (node.uuid for node in view.nodes_of_group(plan.group.uuid))
        nodes = (view.cluster.master_node, *members)
        targets = " ".join(sorted(group.name for group in plan.targets))
        env = {"GROUP_NAME": name, "TARGET_GROUPS": targets}
        return HookContext("GROUP", name, env, pre=nodes, post=nodes)

    def outline(self, plan: GroupEvacuatePlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return plan.relocation.outline()

    async def execute(self, run: Run, plan: GroupEvacuatePlan) -> dict[str, Any]:
        """Submit them."""
        return await plan.relocation.submit(run)


def _targets(op: OpGroupEvacuate, view: ClusterView, group: NodeGroup) -> tuple[NodeGroup, ...]:
    """The groups that instances may come to: those given, or all others.

    Raises:
        OpPrereqError: the group itself is among them, or there is no other.
    """
    if op.target_groups:
        named = {target.uuid: target for target in map(view.group, op.target_groups)}
        if group.uuid in named:
            text = f"node group {group.name} is the one to be evacuated, nothing can come to it"
            raise OpPrereqError(text, ECode.INVAL)
        return tuple(named.values())
    others = tuple(other for other in view.all_groups() if other.uuid != group.uuid)
    if not others:
        text = f"there is no other node group that instances of {group.name} could come to"
        raise OpPrereqError(text, ECode.INVAL)
    return others


def _real_instances(view: ClusterView, group: NodeGroup) -> list[Instance]:
    """Without those that are only reserved: of them there is nothing on a node."""
    return [one for one in view.instances_of_group(group.uuid) if not one.forthcoming]


def _check_moves(view: ClusterView, instances: Sequence[Instance]) -> None:
    """Refuse disks that are on one node only.

    Raises:
        OpPrereqError: ``ECode.STATE``; names the instances and says what to use instead.
    """
    fixed = [one.name for one in instances if view.disk_template(one) not in MIRRORED]
    if fixed:
        text = f"the disks of instances {', '.join(fixed)} are on one node only"
        raise OpPrereqError(f"{text}: use gnt-instance move", ECode.STATE)


def _as_asked(op: OpGroupEvacuate, jobs: Jobs) -> Jobs:
    """``jobs`` without migrations, or one after the other, if that was asked for."""
    if op.force_failover:
        jobs = tuple(tuple(_failover(move) for move in job) for job in jobs)
    if op.sequential:
        waiting = ((_later(job[0]), *job[1:]) for job in jobs[1:] if job)
        jobs = (*jobs[:1], *waiting)
    return jobs


def _failover(move: Opcode) -> Opcode:
    if not isinstance(move, OpInstanceMigrate):
        return move
    return OpInstanceFailover(
        instance_name=move.instance_name,
        target_node=move.target_node,
        iallocator=move.iallocator,
        ignore_ipolicy=move.ignore_ipolicy,
        priority=move.priority,
    )


def _later(move: Opcode) -> Opcode:
    after: Opcode = msgspec.structs.replace(move, depends=_AFTER_THE_LAST)
    return after
