"""Change an instance: ``gnt-instance modify``, ``PUT /2/instances/[name]/modify``.

Data flow: opcode -> SetParamsPlan (reads only) -> one commit -> devices of the running guest.
Source: gnt-instance(8) MODIFY; hooks path ``instance-modify``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.changed_nics import changed_nics, nic_lines
from pyganeti.master.changes import modify_instance
from pyganeti.master.device_edits import GONE, Edit
from pyganeti.master.instance_changes import Lines, changed_fields, parameter_lines
from pyganeti.master.instance_hooks import instance_hooks
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance import set_params_checks as checks
from pyganeti.master.new_nics import check_conflicts
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run, undo
from pyganeti.master.specs import instance_spec
from pyganeti.model.errors import ECode, GenericError, NodeCallError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.wire.noderpc.instance import HotplugDeviceCall

UNBUILT: Final = ("disk_template", "disks", "iallocator", "instance_communication", "runtime_mem")
# What the request is about, beside the instance.
_CHANGES: Final = (
    *("nics", "disks", "beparams", "hvparams", "disk_template", "pnode", "os_name", "osparams"),
    *("osparams_private", "runtime_mem"),
)


@dataclass(frozen=True, slots=True)
class SetParamsPlan:
    """What will be changed.

    Attributes:
        before: the instance as it is recorded.
        fields: new values of its fields; new NICs are without identities.
        nics: what is done to NICs.
        lines: the result, but for NICs.
        warnings: what the user should know.
        conflicts_check: whether addresses must be free.
        hotplug: change the devices of the running guest at once.
    """

    before: Instance
    fields: Mapping[str, Any]  # Any: values by the fields' types
    nics: tuple[Edit[Nic], ...]
    lines: Lines
    warnings: tuple[str, ...]
    conflicts_check: bool
    hotplug: bool

    @property
    def after(self) -> Instance:
        """The instance as it will be, as far as that is known."""
        return msgspec.structs.replace(self.before, **self.fields)


class LUInstanceSetParams(LogicalUnit[OpInstanceSetParams, SetParamsPlan, list[tuple[str, Any]]]):
    """Change parameters, NICs, OS, state or primary node; the result says what became of each."""

    hooks_path: ClassVar[str] = "instance-modify"

    def declare_locks(self, op: OpInstanceSetParams, view: ClusterView) -> LockRequest:
        """Lock the instance, and a node that becomes its primary one."""
        node = () if op.pnode is None else (view.node(op.pnode).uuid,)
        return LockRequest(
            instances=frozenset({view.instance(op.instance_name).name}),
            shared_nodes=frozenset(node),
        )

    async def check_prereq(
        self, op: OpInstanceSetParams, view: ClusterView, nodes: NodeReader
    ) -> SetParamsPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: nothing is to be changed, or a new value is wrong, in conflict, too much
                for policy or node.
        """
        _refuse_unbuilt(op)
        if op.offline is None and not any(getattr(op, name) for name in _CHANGES):
            raise OpPrereqError("nothing is to be changed", ECode.INVAL)
        before = view.instance(op.instance_name)
        guest = await checks.find_guest(nodes, view, before)
        fields = changed_fields(op, before, view)
        checks.check_state(op, before, guest)
        fields |= checks.check_new_primary(op, before, view, guest)
        moved = msgspec.structs.replace(before, **fields)
        group = view.group_of(view.node(moved.primary_node))
        nics, edits = changed_nics(before.nics, op.nics, view, group)
        if edits:
            fields["nics"] = nics
            if op.conflicts_check:
                check_conflicts(nics, view, group, before.nics)
        after = msgspec.structs.replace(before, **fields)
        if not op.ignore_ipolicy:
            checks.check_ipolicy(after, fields, view)
        warnings = await _ask_nodes(op, before, after, edits, view, nodes, guest)
        moves = "primary_node" in fields
        hotplug = op.hotplug and bool(edits) and guest.info is not None and not moves
        return SetParamsPlan(
            before,
            fields,
            edits,
            _lines(op, fields, view),
            (*warnings, *checks.restart_needed(fields, before, guest, hotplug=hotplug)),
            op.conflicts_check,
            hotplug,
        )

    def hooks(self, plan: SetParamsPlan, view: ClusterView) -> HookContext:
        """The instance as it will be, on the master and the instance's nodes."""
        found = view.instance(plan.before.uuid)
        return instance_hooks(plan.after if found == plan.before else found, view)

    def outline(self, plan: SetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        nics = [
            f"{edit.action} nic/{edit.index}" + (f": {', '.join(edit.given)}" if edit.given else "")
            for edit in plan.nics
        ]
        lines = [*nics, *(f"set {name} to {value}" for name, value in plan.lines)]
        return [*lines, "change the devices of its guest"] if plan.hotplug else lines

    async def execute(self, run: Run, plan: SetParamsPlan) -> list[tuple[str, Any]]:
        """Record all changes at once, and change the devices of the running guest."""
        for text in plan.warnings:
            run.log(f"Warning: {text}")
        uuid = plan.before.uuid
        old = _public(plan.before, plan.fields)
        back = undo("instance.restore", uuid=uuid, fields=old, guest=plan.hotplug)
        async with run.step("change instance", back):
            await run.config.commit(
                modify_instance(uuid, plan.fields, run.ids, check=plan.conflicts_check)
            )
            if plan.hotplug:
                await hotplug(run, uuid)
        view = run.config.view
        return [*nic_lines(plan.nics, view.instances[uuid].nics, view), *plan.lines]


async def hotplug(run: Run, uuid: str) -> None:
    """Give the running guest the devices that its instance has now.

    As in Ganeti a guest that does not take or release one is no reason to fail: it has them at its
    next start.

    Raises:
        NodeCallError: what became of it is not known.
    """
    view = run.config.view
    instance = view.instances[uuid]
    call = HotplugDeviceCall(instance=instance_spec(view, instance))
    try:
        for line in await run.nodes.call(instance.primary_node, call):
            run.log(f"hotplug: {line}")
    except NodeCallError:
        raise
    except GenericError as err:
        text = f"instance {instance.name} has its new devices from its next start"
        run.log(f"Warning: {text}, hotplug failed: {err}")


def _refuse_unbuilt(op: OpInstanceSetParams) -> None:
    for name in UNBUILT:
        if getattr(op, name):
            raise OpPrereqError(f"changing {name} is not built yet", ECode.STATE)


async def _ask_nodes(
    op: OpInstanceSetParams,
    before: Instance,
    after: Instance,
    edits: tuple[Edit[Nic], ...],
    view: ClusterView,
    nodes: NodeReader,
    guest: checks.Guest,
) -> list[str]:
    """Let nodes look at what concerns them; warnings."""
    warnings: list[str] = []
    if op.hvparams:
        await checks.check_hypervisor(nodes, view, after)
    if op.beparams and not op.force:
        warnings += await checks.check_more_memory(nodes, view, before, after, guest)
    new = [edit.device for edit in edits if edit.action not in GONE]
    if new:
        warnings += await checks.check_links(nodes, view, after, new, force=op.force)
    if op.os_name or op.osparams or op.osparams_private:
        warnings += await checks.check_new_os(nodes, view, after, op)
    return warnings


def _lines(op: OpInstanceSetParams, fields: Mapping[str, Any], view: ClusterView) -> Lines:
    lines = parameter_lines(op, fields)
    if "primary_node" in fields:
        return (("primary_node", view.node(fields["primary_node"]).name), *lines)
    return lines


def _public(before: Instance, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Old values for the journal: private parameters cannot stand there, their change stays."""
    return {
        name: msgspec.to_builtins(getattr(before, name))
        for name in fields
        if name != "osparams_private"
    }
