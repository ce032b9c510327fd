"""Move an instance to another node group: ``gnt-instance change-group``.

An allocator says how; its moves are submitted as jobs.
Source: gnt-instance(8) CHANGE-GROUP; hooks path ``instance-change-group``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyganeti.master.iallocator.advice import Relocation, advised
from pyganeti.master.iallocator.requests import ChangeGroup
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.templates import MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceChangeGroup


@dataclass(frozen=True, slots=True)
class ChangeGroupPlan:
    """What is to be submitted, and where that leads."""

    instance: Instance
    targets: tuple[NodeGroup, ...]
    relocation: Relocation


class LUInstanceChangeGroup(LogicalUnit[OpInstanceChangeGroup, ChangeGroupPlan, dict[str, Any]]):
    """Submit the moves that an allocator advises.

    Any: ``{"jobs": [[ok, id], ...]}``.
    """

    hooks_path: ClassVar[str] = "instance-change-group"

    def declare_locks(self, op: OpInstanceChangeGroup, view: ClusterView) -> LockRequest:
        """Lock the instance and all groups and nodes it may come to, shared: jobs do the work."""
        chosen_allocator(op.iallocator, view)
        instance = view.instance(op.instance_name)
        groups = {group.uuid for group in (*_own(view, instance), *_targets(op, view, instance))}
        nodes = {node.uuid for node in view.nodes.values() if node.group in groups}
        return LockRequest(
            shared_instances=frozenset({instance.name}),
            shared_groups=frozenset(groups),
            shared_nodes=frozenset(nodes),
        )

    async def check_prereq(
        self, op: OpInstanceChangeGroup, view: ClusterView, nodes: NodeReader
    ) -> ChangeGroupPlan:
        """Ask the allocator.

        Raises:
            OpPrereqError: the disks of the instance cannot go anywhere, there is no other group, or
                the allocator finds no way.
        """
        instance = view.instance(op.instance_name)
        _check_moves(view, instance)
        targets = _targets(op, view, instance)
        request = ChangeGroup((instance,), targets)
        what = f"way to another group for instance {instance.name}"
        return ChangeGroupPlan(instance, targets, await advised(op, view, nodes, request, what))

    def hooks(self, plan: ChangeGroupPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master."""
        names = " ".join(sorted(group.name for group in plan.targets))
        found = instance_hooks(plan.instance, view, TARGET_GROUPS=names)
        master = (view.cluster.master_node,)
        return HookContext(found.object_type, found.target, found.env, pre=master, post=master)

    def outline(self, plan: ChangeGroupPlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return plan.relocation.outline()

    async def execute(self, run: Run, plan: ChangeGroupPlan) -> dict[str, Any]:
        """Submit them."""
        return await plan.relocation.submit(run)


def _own(view: ClusterView, instance: Instance) -> list[NodeGroup]:
    """The groups of its nodes."""
    found = {node.group: view.group_of(node) for node in view.instance_nodes(instance)}
    return list(found.values())


def _targets(
    op: OpInstanceChangeGroup, view: ClusterView, instance: Instance
) -> tuple[NodeGroup, ...]:
    """The groups that it may come to.

    Raises:
        OpPrereqError: one is its own, or there is no other.
    """
    own = {group.uuid for group in _own(view, instance)}
    if op.target_groups:
        named = {group.uuid: group for group in map(view.group, op.target_groups)}
        for group in named.values():
            if group.uuid in own:
                text = f"instance {instance.name} is in node group {group.name} already"
                raise OpPrereqError(text, ECode.INVAL)
        return tuple(named.values())
    others = tuple(group for group in view.groups.values() if group.uuid not in own)
    if not others:
        text = f"there is no other node group that instance {instance.name} could come to"
        raise OpPrereqError(text, ECode.INVAL)
    return others


def _check_moves(view: ClusterView, instance: Instance) -> None:
    """Refuse disks that are on one node only.

    Raises:
        OpPrereqError: ``ECode.STATE``; says what to use instead.
    """
    template = view.disk_template(instance)
    if template not in MIRRORED:
        text = f"instance {instance.name} has disks of template {template}, on one node only:"
        raise OpPrereqError(f"{text} use gnt-instance move", ECode.STATE)
