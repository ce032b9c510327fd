"""Give an instance another name: ``gnt-instance rename``, ``PUT /2/instances/[name]/rename``.

Data flow: opcode -> RenamePlan (reads only) -> disks -> configuration -> OS rename script.
Source: gnt-instance(8) RENAME; hooks path ``instance-rename``.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from pyganeti.master.changes import rename_instance
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_online,
    guest_info,
    shut_down_disks,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.moved_files import FileMove, file_move, note_owner
from pyganeti.master.instances.name import check_new_name
from pyganeti.master.instances.specs import disk_spec, instance_spec, without_secret
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_hostname
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceRename
from pyganeti.wire.noderpc.instance import InstanceRunRenameCall


@dataclass(frozen=True, slots=True)
class RenamePlan:
    """What will be done.

    Attributes:
        before: the instance with its old name.
        name: the new one, which may be the same.
        disks: as they will be recorded.
        move: of files, where the name stands in their paths.
    """

    before: Instance
    name: str
    disks: tuple[Disk, ...]
    move: FileMove | None

    @property
    def after(self) -> Instance:
        """The instance with its new name."""
        return msgspec.structs.replace(self.before, name=self.name)


class LUInstanceRename(LogicalUnit[OpInstanceRename, RenamePlan, str]):
    """Rename a stopped instance, and what carries its name; the result is the name in full.

    With the name it has only the OS rename script runs.
    """

    hooks_path: ClassVar[str] = "instance-rename"
    takes_forthcoming: ClassVar[bool] = True

    async def expand(self, op: OpInstanceRename, nodes: NodeReader) -> OpInstanceRename:
        """Take the name that the resolver knows, where it is to be asked."""
        if not op.name_check:
            return op
        name, _address = await nodes.resolve(check_hostname(op.new_name))
        return msgspec.structs.replace(op, new_name=name)

    def declare_locks(self, op: OpInstanceRename, view: ClusterView) -> LockRequest:
        """Lock the instance and the new name."""
        names = {view.instance(op.instance_name).name, check_hostname(op.new_name)}
        return LockRequest(instances=frozenset(names))

    async def check_prereq(
        self, op: OpInstanceRename, view: ClusterView, nodes: NodeReader
    ) -> RenamePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: it runs, its node is offline, or the name is taken or unknown.
        """
        before = view.instance(op.instance_name)
        name = check_hostname(op.new_name)
        await check_new_name(
            name, view, nodes, name_check=op.name_check, ip_check=op.ip_check, own=before.uuid
        )
        if before.forthcoming:
            move, disks = file_move(tuple(view.disks_of(before)), before.name, name)
            return RenamePlan(before, name, disks, move)
        check_online(view, before.primary_node)
        if before.admin_state is AdminState.UP:
            text = f"instance {before.name} is marked to be up, shut it down"
            raise OpPrereqError(text, ECode.STATE)
        if await guest_info(nodes, view, before) is not None:
            raise OpPrereqError(f"instance {before.name} is running, shut it down", ECode.STATE)
        old = tuple(view.disks_of(before))
        move, disks = file_move(old, before.name, name)
        return RenamePlan(before, name, disks, move)

    def hooks(self, plan: RenamePlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        found = view.instance(plan.before.uuid)
        return instance_hooks(found, view, INSTANCE_NEW_NAME=plan.name)

    def outline(self, plan: RenamePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan.before.forthcoming:
            return [f"rename {plan.before.name} to {plan.name}"]
        moved = [] if plan.move is None else [f"move its files to {plan.move.target}"]
        script = [f"run the rename script of {plan.before.os}"] if _has_script(plan) else []
        return [*moved, f"rename {plan.before.name} to {plan.name}", *script]

    async def execute(self, run: Run, plan: RenamePlan) -> str:
        """Rename what is on the node, then record the name, then run the OS's script."""
        if plan.before.forthcoming:
            await self._record_name(run, plan)
            return plan.name
        view = run.config.view
        old = msgspec.to_builtins(bare_spec(view, plan.before))
        if plan.before.disks_active:
            async with run.step("shut down disks", undo("instance.activate_disks", spec=old)):
                await shut_down_disks(run.nodes, instance_spec(view, plan.before))
        if plan.name != plan.before.name:
            await self._rename(run, plan)
        await self._activate_and_adapt(run, plan)
        return plan.name

    async def _rename(self, run: Run, plan: RenamePlan) -> None:
        view, node = run.config.view, plan.before.primary_node
        recorded = view.disks_of(plan.before)
        old = tuple(without_secret(disk_spec(disk, view, node)) for disk in recorded)
        new = tuple(without_secret(disk_spec(disk, view, node)) for disk in plan.disks)
        pairs = tuple(zip(old, new, strict=True))
        back: dict[str, Any] = {
            "node": node,
            "name": plan.before.name,
            "disks": msgspec.to_builtins(pairs),
            "move": None if plan.move is None else msgspec.to_builtins(plan.move),
        }
        async with run.step("rename disks", undo("instance.rename_disks_back", **back)):
            if plan.move is not None:
                await plan.move.make(run.nodes, node, pairs, run.log)
            await note_owner(run.nodes, node, new, plan.name)
        await self._record_name(run, plan)

    async def _record_name(self, run: Run, plan: RenamePlan) -> None:
        recorded = run.config.view.disks_of(plan.before)
        uuid = plan.before.uuid
        # Only files have other places then, and nothing else of a disk may stand in the journal.
        files = recorded if plan.move is not None else []
        places = {disk.uuid: msgspec.to_builtins(disk.logical_id) for disk in files}
        moved = {disk.uuid: disk.logical_id for disk in plan.disks if disk.uuid in places}
        record = undo("instance.restore_name", uuid=uuid, name=plan.before.name, places=places)
        async with run.step("record name", record):
            await run.config.commit(rename_instance(uuid, plan.name, moved))

    async def _activate_and_adapt(self, run: Run, plan: RenamePlan) -> None:
        view = run.config.view
        instance = view.instances[plan.before.uuid]
        script = _has_script(plan)
        if not script and not instance.disks_active:
            return
        spec = instance_spec(view, instance)
        bare = msgspec.to_builtins(bare_spec(view, instance))
        async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
            await assemble_disks(run.nodes, view, spec)
        if script:
            call = InstanceRunRenameCall(instance=spec, old_name=plan.before.name)
            ended = undo("node.end_tasks", nodes=[spec.primary_node])
            async with run.step("run rename script", ended):
                try:
                    await run.nodes.call(spec.primary_node, call)
                except GenericError as err:
                    # As in Ganeti: the name is right, the guest may have to be told by hand.
                    text = f"instance {plan.name} is renamed, but not within its guest"
                    run.log(f"Warning: {text}: {err}")
        if not instance.disks_active:
            async with run.step("shut down disks"):
                await shut_down_disks(run.nodes, spec)


def _has_script(plan: RenamePlan) -> bool:
    return bool(plan.before.os and plan.disks)
