"""Change a node group's settings: ``gnt-group modify``, ``PUT /2/groups/[name]/modify``.

Source: gnt-group(8) MODIFY; hooks path ``group-modify``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.group.settings import newly_violating, with_settings
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Change
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupSetParams

Changes = list[tuple[str, Any]]  # Any: values as JSON

# Settings whose new values the result has, as in Ganeti.
_TOLD = ("ndparams", "diskparams")
_GIVEN = ("alloc_policy", "ndparams", "diskparams", "ipolicy", "hv_state", "disk_state")
_STATIC = {"hv_state": "hv_state_static", "disk_state": "disk_state_static"}


@dataclass(frozen=True, slots=True)
class GroupSetParamsPlan:
    """The group before and after, and the names of instances that its policy admits no more."""

    op: OpGroupSetParams
    before: NodeGroup
    after: NodeGroup
    violating: tuple[str, ...]


class LUGroupSetParams(LogicalUnit[OpGroupSetParams, GroupSetParamsPlan, Changes]):
    """Change the settings of a group."""

    hooks_path: ClassVar[str] = "group-modify"

    def declare_locks(self, op: OpGroupSetParams, view: ClusterView) -> LockRequest:
        """Lock the group."""
        return LockRequest(groups=frozenset({view.group(op.group_name).uuid}))

    async def check_prereq(
        self, op: OpGroupSetParams, view: ClusterView, nodes: NodeReader
    ) -> GroupSetParamsPlan:
        """Refuse settings that are wrong.

        Raises:
            ParameterError, OpPrereqError: says what is.
        """
        if not any(getattr(op, name) for name in _GIVEN):
            text = f"nothing is to be changed: give one of {', '.join(_GIVEN)}"
            raise OpPrereqError(text, ECode.INVAL)
        before = view.group(op.group_name)
        after = with_settings(before, op, view)
        instances = view.instances_of_group(before.uuid)
        policies = view.ipolicy(before), view.ipolicy(after)
        violating = newly_violating(instances, *policies, view)
        return GroupSetParamsPlan(op, before, after, tuple(violating))

    def hooks(self, plan: GroupSetParamsPlan, view: ClusterView) -> HookContext:
        """On the master."""
        name, master = plan.before.name, (view.cluster.master_node,)
        env = {"GROUP_NAME": name, "NEW_ALLOC_POLICY": str(plan.op.alloc_policy or "")}
        return HookContext("GROUP", name, env, pre=master, post=master)

    def outline(self, plan: GroupSetParamsPlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        fields = {name: _STATIC.get(name, name) for name in _GIVEN}
        lines = [
            f"set {name}"
            for name, field in fields.items()
            if getattr(plan.before, field) != getattr(plan.after, field)
        ]
        return [*lines, *(f"leave instance {name} outside the policy" for name in plan.violating)]

    async def execute(self, run: Run, plan: GroupSetParamsPlan) -> Changes:
        """Record them, and name the instances that do not fit any more."""
        if plan.violating:
            names = ", ".join(plan.violating)
            run.log(f"Warning: the new instance policy does not admit instances {names}")

        def change(view: ClusterView) -> Change:
            return Change() if plan.after == plan.before else Change(puts=(plan.after,))

        async with run.step("record settings", restoration(plan.before)):
            await run.config.commit(change)
        told = [name for name in _TOLD if getattr(plan.op, name)]
        return [(name, getattr(plan.after, name)) for name in told]
