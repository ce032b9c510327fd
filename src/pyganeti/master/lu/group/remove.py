"""Remove an empty node group: ``gnt-group remove``, ``DELETE /2/groups/[name]``.

Source: gnt-group(8) REMOVE; hooks path ``group-remove``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Change, Kind
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupRemove


@dataclass(frozen=True, slots=True)
class GroupRemovePlan:
    """The group to be removed."""

    group: NodeGroup


class LUGroupRemove(LogicalUnit[OpGroupRemove, GroupRemovePlan, None]):
    """Remove a group without nodes. Of the last one the master is a member."""

    hooks_path: ClassVar[str] = "group-remove"

    def declare_locks(self, op: OpGroupRemove, view: ClusterView) -> LockRequest:
        """Lock the group."""
        return LockRequest(groups=frozenset({view.group(op.group_name).uuid}))

    async def check_prereq(
        self, op: OpGroupRemove, view: ClusterView, nodes: NodeReader
    ) -> GroupRemovePlan:
        """Refuse a group that has nodes.

        Raises:
            OpPrereqError: ``ECode.STATE``.
        """
        group = view.group(op.group_name)
        _check_removable(group, view)
        return GroupRemovePlan(group)

    def hooks(self, plan: GroupRemovePlan, view: ClusterView) -> HookContext:
        """On the master."""
        name, master = plan.group.name, (view.cluster.master_node,)
        return HookContext("GROUP", name, {"GROUP_NAME": name}, pre=master, post=master)

    def outline(self, plan: GroupRemovePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"remove node group {plan.group.name}"]

    async def execute(self, run: Run, plan: GroupRemovePlan) -> None:
        """Remove it; no node comes into it while it is locked."""
        gone = Change(deletes=((Kind.NODEGROUP, plan.group.uuid),))
        async with run.step("remove group", restoration(plan.group)):
            await run.config.commit(lambda _view: gone)


def _check_removable(group: NodeGroup, view: ClusterView) -> None:
    members = view.nodes_of_group(group.uuid)
    if members:
        names = ", ".join(node.name for node in members)
        text = f"node group {group.name} is not empty, it has the nodes {names}"
        raise OpPrereqError(text, ECode.STATE)
