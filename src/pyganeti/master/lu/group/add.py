"""Create a node group: ``gnt-group add``, ``POST /2/groups``.

Source: gnt-group(8) ADD; hooks path ``group-add``.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.communication import with_communication
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.group.settings import with_settings
from pyganeti.master.naming import check_free, check_new_name
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import removal
from pyganeti.model.change import Change, Kind
from pyganeti.model.enums import AllocPolicy
from pyganeti.model.group import NodeGroup
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupAdd


@dataclass(frozen=True, slots=True)
class GroupAddPlan:
    """The group to be recorded; it has no UUID yet."""

    group: NodeGroup


class LUGroupAdd(LogicalUnit[OpGroupAdd, GroupAddPlan, None]):
    """Record a group without nodes."""

    hooks_path: ClassVar[str] = "group-add"

    def declare_locks(self, op: OpGroupAdd, view: ClusterView) -> LockRequest:
        """Nothing: who records a name first has it."""
        return LockRequest()

    async def check_prereq(
        self, op: OpGroupAdd, view: ClusterView, nodes: NodeReader
    ) -> GroupAddPlan:
        """Refuse a name that is taken, and settings that are wrong.

        Raises:
            ParameterError, OpPrereqError: says what is.
        """
        check_new_name(Kind.NODEGROUP, op.group_name, view)
        empty = NodeGroup(uuid="", name=op.group_name, alloc_policy=AllocPolicy.PREFERRED)
        return GroupAddPlan(with_settings(empty, op, view))

    def hooks(self, plan: GroupAddPlan, view: ClusterView) -> HookContext:
        """On the master."""
        name, master = plan.group.name, (view.cluster.master_node,)
        return HookContext("GROUP", name, {"GROUP_NAME": name}, pre=master, post=master)

    def outline(self, plan: GroupAddPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"add node group {plan.group.name} ({plan.group.alloc_policy})"]

    async def execute(self, run: Run, plan: GroupAddPlan) -> None:
        """Record it."""
        group = msgspec.structs.replace(plan.group, uuid=run.ids.uuid())

        def add(view: ClusterView) -> Change:
            check_free(Kind.NODEGROUP, group.name, view)
            return Change(puts=(with_communication(group, view),))

        async with run.step("record group", removal(group)):
            await run.config.commit(add)
