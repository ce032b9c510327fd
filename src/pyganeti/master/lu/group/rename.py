"""Give a node group another name: ``gnt-group rename``, ``PUT /2/groups/[name]/rename``.

Source: gnt-group(8) RENAME; hooks path ``group-rename``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.renaming import record_name
from pyganeti.master.naming import check_new_name
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Kind
from pyganeti.model.group import NodeGroup
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupRename


@dataclass(frozen=True, slots=True)
class GroupRenamePlan:
    """The group as it is, and its new name."""

    group: NodeGroup
    name: str


class LUGroupRename(LogicalUnit[OpGroupRename, GroupRenamePlan, str]):
    """Rename a group; the result is the new name."""

    hooks_path: ClassVar[str] = "group-rename"

    def declare_locks(self, op: OpGroupRename, view: ClusterView) -> LockRequest:
        """Lock the group."""
        return LockRequest(groups=frozenset({view.group(op.group_name).uuid}))

    async def check_prereq(
        self, op: OpGroupRename, view: ClusterView, nodes: NodeReader
    ) -> GroupRenamePlan:
        """Refuse a name that is taken.

        Raises:
            OpPrereqError: ``ECode.EXISTS``, or ``ECode.INVAL`` for what cannot be a name.
        """
        group = view.group(op.group_name)
        check_new_name(Kind.NODEGROUP, op.new_name, view)
        return GroupRenamePlan(group, op.new_name)

    def hooks(self, plan: GroupRenamePlan, view: ClusterView) -> HookContext:
        """On the master and the members."""
        old = plan.group
        members = (node.uuid for node in view.nodes_of_group(old.uuid))
        nodes = (view.cluster.master_node, *members)
        env = {"OLD_NAME": old.name, "NEW_NAME": plan.name}
        return HookContext("GROUP", old.name, env, pre=nodes, post=nodes)

    def outline(self, plan: GroupRenamePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"rename node group {plan.group.name} to {plan.name}"]

    async def execute(self, run: Run, plan: GroupRenamePlan) -> str:
        """Record the name."""
        return await record_name(run, plan.group, plan.name, restoration(plan.group))
