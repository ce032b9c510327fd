"""Change an instance: ``gnt-instance modify``, ``PUT /2/instances/[name]/modify``.

Data flow: opcode -> SetParamsPlan (reads only) -> new disks -> one commit -> devices of the running
guest -> removed disks.
Source: gnt-instance(8) MODIFY; hooks path ``instance-modify``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.communication import with_nic_change
from pyganeti.master.disks.changed import ChangedDisks, changed_disks, disk_lines
from pyganeti.master.disks.converting import Conversion
from pyganeti.master.disks.mirrors import wait_for_sync
from pyganeti.master.disks.states import with_state_changes
from pyganeti.master.iallocator.choosing import possible_nodes
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.instances.ballooning import Ballooning, set_memory
from pyganeti.master.instances.changes import Lines, changed_fields, parameter_lines
from pyganeti.master.instances.device_edits import GONE, Edit
from pyganeti.master.instances.device_records import DiskRecords, modify_instance
from pyganeti.master.instances.guests import shut_down_disks
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.hotplug import change_guest, untouched
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance import set_params_checks as checks
from pyganeti.master.lu.instance.convert import ConvertRest, begin_conversion, go_on_converting
from pyganeti.master.lu.instance.convert_checks import plan_conversion
from pyganeti.master.lu.instance.modify_disks import (
    activate_new,
    check_disks,
    let_go,
    make_new,
    old_disks,
    removed_and_detached,
    takes_out,
    wipe_new,
)
from pyganeti.master.lu.instance.runtime_memory import ballooning
from pyganeti.master.nics.changed import changed_nics, nic_lines
from pyganeti.master.nics.new import check_conflicts
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams

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
        disks: what becomes of its disks, if they change.
        lines: the result, but for NICs and disks.
        warnings: what the user should know.
        conflicts_check: whether addresses must be free.
        running: the guest runs.
        hotplug: change the devices of the running guest at once.
        sync: wait until new mirrors are in sync, and not only until they sync.
        memory: what its running guest is to have, beside what it has.
        conversion: of its disks to another template, if that changes.
    """

    before: Instance
    fields: Mapping[str, Any]  # Any: values by the fields' types
    nics: tuple[Edit[Nic], ...]
    disks: ChangedDisks | None
    lines: Lines
    warnings: tuple[str, ...]
    conflicts_check: bool
    running: bool
    hotplug: bool
    sync: bool
    memory: Ballooning | None
    conversion: Conversion | None

    @property
    def kept(self) -> tuple[str, ...]:
        """UUIDs of the devices that nothing is asked of."""
        touched = {edit.device.uuid for edit in self.nics}
        if self.disks is not None:
            touched |= {edit.device.uuid for edit in self.disks.edits}
        return untouched(self.before, touched)

    @property
    def after(self) -> Instance:
        """The instance as it will be, as far as that is known."""
        return msgspec.structs.replace(self.before, **self.fields)


class SetParamsRest(msgspec.Struct, frozen=True):
    """What is to be done once new mirrors are in sync.

    Attributes:
        uuid: of the instance.
        shut_down: its disks, which were made active for the sync only.
        detached: UUIDs of disks that are only shut down.
        removed: of those that are removed for good.
        lines: the result.
        conversion: of the disks, as far as it is.
    """

    uuid: str
    shut_down: bool
    detached: tuple[str, ...]
    removed: tuple[str, ...]
    lines: tuple[tuple[str, Any], ...]  # Any: JSON values
    conversion: ConvertRest | None = None


class LUInstanceSetParams(LogicalUnit[OpInstanceSetParams, SetParamsPlan, list[tuple[str, Any]]]):
    """Change parameters, devices, OS, state or primary node; the result says what became of each.

    Disks are made before they are recorded, and removed after they are forgotten by the instance:
    what fails in between is undone, but no disk that was removed comes back.
    """

    hooks_path: ClassVar[str] = "instance-modify"
    takes_forthcoming: ClassVar[bool] = True
    rest_type: ClassVar[type[msgspec.Struct]] = SetParamsRest

    def declare_locks(self, op: OpInstanceSetParams, view: ClusterView) -> LockRequest:
        """Lock the instance, a node that becomes its primary one, the space for new disks."""
        instance = view.instance(op.instance_name)
        op = with_state_changes(op, instance, view)
        new = {view.node(name).uuid for name in (op.pnode, op.remote_node) if name is not None}
        makes = bool(op.disks) or op.disk_template is not None
        places = {node.uuid for node in view.instance_nodes(instance)} if makes else set()
        if op.remote_node is not None:
            places.add(view.node(op.remote_node).uuid)
        if op.iallocator is not None:
            chosen_allocator(op.iallocator, view)
            places |= possible_nodes(view, instance)
        return LockRequest(
            instances=frozenset({instance.name}),
            shared_nodes=frozenset(new | places),
            shared_node_res=frozenset(places),
        )

    async def check_prereq(
        self, op: OpInstanceSetParams, view: ClusterView, nodes: NodeReader
    ) -> SetParamsPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: nothing is to be changed, or a new value is wrong, in conflict, too much
                for policy or node.
        """
        states = (op.offline, op.instance_communication)
        if states == (None, None) and not any(getattr(op, name) for name in _CHANGES):
            raise OpPrereqError("nothing is to be changed", ECode.INVAL)
        before = view.instance(op.instance_name)
        op = with_nic_change(with_state_changes(op, before, view), before, view)
        checks.check_forthcoming(op, before)
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
        disks = changed_disks(before, op.disks, view) if op.disks else None
        checks.check_state_disks(after, fields, disks, view)
        conversion = await plan_conversion(op, view, nodes, after, guest)
        if not op.ignore_ipolicy and conversion is None:
            checks.check_ipolicy(after, fields, disks, view)
        moves = "primary_node" in fields
        if disks is not None and moves:
            raise OpPrereqError("disks and primary node cannot change together", ECode.INVAL)
        running = guest.info is not None
        hotplug = op.hotplug and bool(edits or disks) and running and not moves
        if disks is not None:
            await check_disks(before, disks, view, nodes, running=running, hotplug=hotplug)
        warnings = await _ask_nodes(op, before, after, edits, view, nodes, guest)
        later = {*fields, *(("disks",) if disks is not None else ())}
        return SetParamsPlan(
            before,
            fields,
            edits,
            disks,
            _lines(op, fields, view),
            (*warnings, *checks.restart_needed(later, before, guest, hotplug=hotplug)),
            op.conflicts_check,
            running,
            hotplug,
            op.wait_for_sync,
            await ballooning(op, after, guest.info, view, nodes) if op.runtime_mem else None,
            conversion,
        )

    def hooks(self, plan: SetParamsPlan, view: ClusterView) -> HookContext:
        """The instance as it will be, on the master and the instance's nodes."""
        found = view.instance(plan.before.uuid)
        if found != plan.before:
            return instance_hooks(found, view)
        disks = None if plan.disks is None else plan.disks.final
        new = plan.conversion
        own: dict[str, object] = {} if new is None else {"NEW_DISK_TEMPLATE": new.where.template}
        own |= {} if plan.memory is None else {"RUNTIME_MEMORY": plan.memory.after}
        return instance_hooks(plan.after, view, disks, **own)

    def outline(self, plan: SetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        devices = [_described("nic", edit) for edit in plan.nics]
        devices += [_described("disk", edit) for edit in plan.disks.edits] if plan.disks else []
        devices += [] if plan.memory is None else [plan.memory.outline]
        lines = [*devices, *(f"set {name} to {value}" for name, value in plan.lines)]
        return [*lines, "change the devices of its guest"] if plan.hotplug else lines

    async def execute(self, run: Run, plan: SetParamsPlan) -> list[tuple[str, Any]]:
        """Make new disks, record all changes at once, change the running guest, remove disks."""
        for text in plan.warnings:
            run.log(f"Warning: {text}")
        uuid, disks = plan.before.uuid, plan.disks
        records = None if disks is None else await make_new(run, plan.before, disks)
        if plan.fields or disks is not None:
            await self._record(run, plan, records)
        if plan.memory is not None:
            await set_memory(run, plan.before, plan.memory)
        activated = False
        if disks is not None and records is not None:
            activated = await activate_new(run, plan.before, disks, running=plan.running)
            await wipe_new(run, uuid, records.made)
        if plan.hotplug:
            async with run.step("change the running guest"):  # undone with the record
                await change_guest(run, uuid, plan.kept, must=takes_out(disks))
        view = run.config.view
        lines = [*nic_lines(plan.nics, view.instances[uuid].nics, view), *plan.lines]
        lines += [] if plan.memory is None else [plan.memory.line]
        if plan.conversion is not None:
            return await self._convert(run, plan, plan.conversion, lines)
        if disks is None:
            return lines
        removed, detached = removed_and_detached(disks)
        all_lines = (*disk_lines(disks.edits), *lines)
        rest = SetParamsRest(uuid, activated, detached, removed, all_lines)
        if disks.requests:
            spec = instance_spec(view, view.instances[uuid])
            await wait_for_sync(run, spec, rest, complete=plan.sync)
        return await self.resume(run, rest, {})

    async def _convert(
        self, run: Run, plan: SetParamsPlan, conversion: Conversion, lines: list[tuple[str, Any]]
    ) -> list[tuple[str, Any]]:
        """Make disks of another template of those the instance has."""
        instance = run.config.view.instances[plan.before.uuid]
        begun = await begin_conversion(run, instance, conversion, sync=plan.sync)
        rest = SetParamsRest(instance.uuid, False, (), (), tuple(lines), begun)
        return await self._go_on_converting(run, rest, begun)

    @staticmethod
    async def _go_on_converting(
        run: Run, rest: SetParamsRest, conversion: ConvertRest
    ) -> list[tuple[str, Any]]:
        def wrap(made: ConvertRest) -> SetParamsRest:
            return msgspec.structs.replace(rest, conversion=made)

        await go_on_converting(run, rest.uuid, conversion, wrap)
        return list(rest.lines)

    async def resume(
        self, run: Run, rest: SetParamsRest, answers: Mapping[str, Any]
    ) -> list[tuple[str, Any]]:
        """Let go of disks that the instance has not any more."""
        if rest.conversion is not None:
            copied = rest.conversion.copied + 1
            begun = msgspec.structs.replace(rest.conversion, copied=copied)
            return await self._go_on_converting(run, rest, begun)
        instance = run.config.view.instances[rest.uuid]
        if rest.shut_down:
            async with run.step("shut down disks"):
                await shut_down_disks(run.nodes, instance_spec(run.config.view, instance))
        if rest.detached:
            async with run.step("shut down detached disks"):
                await let_go(run, instance, rest.detached, remove=False)
        if rest.removed:
            async with run.step("remove disks"):
                await let_go(run, instance, rest.removed, remove=True)
        return list(rest.lines)

    def resumed_hooks(self, rest: SetParamsRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return instance_hooks(view.instance(rest.uuid), view)

    async def _record(self, run: Run, plan: SetParamsPlan, records: DiskRecords | None) -> None:
        uuid = plan.before.uuid
        old = None if records is None else old_disks(plan.before, records, run.config.view)
        back = undo(
            "instance.restore",
            uuid=uuid,
            fields=_public(plan.before, plan.fields),
            guest=plan.hotplug,
            kept=list(plan.kept),
            disks=None if old is None else msgspec.to_builtins(old),
        )
        async with run.step("record changes", back):
            await run.config.commit(
                modify_instance(
                    uuid, plan.fields, run.ids, disks=records, check=plan.conflicts_check
                )
            )


def _described(kind: str, edit: Edit[Any]) -> str:  # Any: NICs and disks
    given = f": {', '.join(edit.given)}" if edit.given else ""
    return f"{edit.action} {kind}/{edit.index}{given}"


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
    if op.disk_template is not None:
        lines = (("disk_template", op.disk_template), *lines)
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
