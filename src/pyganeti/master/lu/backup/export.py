"""Export an instance to a node, or to another cluster: ``gnt-backup export``, move-instance.

Data flow: opcode -> ExportPlan (reads only) -> guest and snapshots -> dumps, a task each -> export.
Source: gnt-backup(8) EXPORT; docs/design/0010-backup.md; hooks path ``instance-export``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from pyganeti.master.backup.exporting import dump_name, snapshots_of
from pyganeti.master.backup.remote import RemoteTarget, remote_target
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_online,
    guest_info,
    start_guest,
    stop_guest,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.backup.export_checks import (
    check_os_exports,
    check_request,
    target_node,
    uses_snapshots,
    zeroing_limit,
)
from pyganeti.master.lu.backup.export_end import ExportRest, Removal, end_export
from pyganeti.master.lu.backup.remote_export import begin_remote, end_remote, send_disks
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import GenericError, NodeCallError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.wire.noderpc.backup import (
    Dump,
    ExportBeginCall,
    ExportStartCall,
)
from pyganeti.wire.noderpc.blockdev import BlockdevSnapshotCall
from pyganeti.wire.noderpc.instance import InstanceZeroCall
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.transfer import RemoteFile


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What will be done.

    Attributes:
        target: UUID of the node that gets the export.
        compress: how dumps travel.
        stop: the guest runs and is stopped.
        timeout_s: how long it has for that.
        snapshots: they are read, and not the disks.
        activate: the disks are not usable yet.
        zeroing_s: how long the guest may take that zeroes their free space, if it is to be.
        removal: of the instance in the end, if it is to be removed.
        remote: where it goes, if to another cluster; then there is no target.
    """

    instance: Instance
    target: str
    compress: str
    stop: bool
    timeout_s: float
    snapshots: bool
    activate: bool
    zeroing_s: float | None
    removal: Removal | None
    hooks: HookContext
    remote: RemoteTarget | None


class LUBackupExport(LogicalUnit[OpBackupExport, ExportPlan, tuple[bool, list[bool]]]):
    """Export an instance to a node; the result is whether the export and each disk were made."""

    hooks_path: ClassVar[str] = "instance-export"
    rest_type: ClassVar[type[msgspec.Struct]] = ExportRest

    def declare_locks(self, op: OpBackupExport, view: ClusterView) -> LockRequest:
        """Lock the instance, whose name its exports have, and both nodes shared."""
        instance = view.instance(op.instance_name)
        target = target_node(op, view)
        nodes = {instance.primary_node} if target is None else {instance.primary_node, target.uuid}
        return LockRequest(instances=frozenset({instance.name}), shared_nodes=frozenset(nodes))

    async def check_prereq(
        self, op: OpBackupExport, view: ClusterView, nodes: NodeReader
    ) -> ExportPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: a node is offline, the guest cannot stay as it is, no OS script reads
                the disks, no room for snapshots.
        """
        instance, target = view.instance(op.instance_name), target_node(op, view)
        check_online(view, instance.primary_node)
        check_request(op, view)
        remote = None if target is not None else remote_target(op, instance, nodes)
        runs = await guest_info(nodes, view, instance) is not None
        await check_os_exports(instance, view, nodes)
        snapshots = runs and await uses_snapshots(op, instance, view, nodes)
        return ExportPlan(
            instance,
            "" if target is None else target.uuid,
            # Nothing travels within a node.
            "none" if target is not None and target.uuid == instance.primary_node else op.compress,
            stop=runs and op.shutdown,
            timeout_s=op.shutdown_timeout,
            snapshots=snapshots,
            activate=bool(instance.disks) and not runs and not instance.disks_active,
            zeroing_s=zeroing_limit(op, (disk.size for disk in view.disks_of(instance)))
            if op.zero_free_space and instance.disks
            else None,
            removal=Removal(op.shutdown_timeout, op.ignore_remove_failures)
            if op.remove_instance
            else None,
            hooks=_hooks(op, instance, view),
            remote=remote,
        )

    def hooks(self, plan: ExportPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master, the instance's nodes and the target."""
        return plan.hooks

    def outline(self, plan: ExportPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        local = plan.remote is None
        target = view.node(plan.target).name if local else "another cluster"
        starts = plan.stop and plan.removal is None
        wanted = [
            (plan.stop, f"stop {name} on {node}"),
            (plan.zeroing_s is not None, "zero the free space of its disks"),
            (plan.snapshots, "make snapshots of its disks"),
            (starts and plan.snapshots, f"start {name} on {node}"),
            (local, f"write export {name} on {target}"),
            (not local, f"send the disks of {name} to {target}"),
            (starts and not plan.snapshots, f"start {name} on {node}"),
            (local, f"remove older exports of {name}"),
            (plan.removal is not None, f"remove instance {name}"),
        ]
        return [line for asked, line in wanted if asked]

    async def execute(self, run: Run, plan: ExportPlan) -> tuple[bool, list[bool]]:
        """Have something that stays as it is to read from, and read it."""
        view, instance = run.config.view, plan.instance
        spec = instance_spec(view, instance)
        bare = msgspec.to_builtins(bare_spec(view, instance))
        transfer = ""
        if plan.remote is not None:
            await begin_remote(run, spec.primary_node, plan.remote)
        else:
            transfer = await self._begin(run, plan)
        if plan.stop:
            run.log(f"* shutting down instance {instance.name}")
            async with run.step("stop guest", undo("instance.start_again", spec=bare)):
                await stop_guest(run.nodes, spec, plan.timeout_s)
        if plan.activate:
            async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
                await assemble_disks(run.nodes, view, spec)
        if plan.zeroing_s is not None:
            await self._zero(run, spec, bare, plan.zeroing_s)
        snapshots = await self._snapshots(run, plan) if plan.snapshots else ()
        starts = plan.stop and plan.removal is None
        if starts and plan.snapshots:
            await self._start_early(run, spec)
        rest = ExportRest(
            instance.uuid,
            plan.target,
            transfer,
            plan.compress,
            snapshots,
            start=starts and not plan.snapshots,
            shut_down=plan.activate and plan.removal is None,
            removal=plan.removal,
            hooks=plan.hooks,
            remote=plan.remote,
        )
        return await self._go_on(run, rest)

    async def resume(
        self, run: Run, rest: ExportRest, answers: Mapping[str, Any]
    ) -> tuple[bool, list[bool]]:
        """Copy the other disks, and complete the export."""
        if rest.remote is not None:
            return await self._end_remote(run, rest, rest.remote)
        return await self._go_on(run, _with_dump(rest, answers))

    def resumed_hooks(self, rest: ExportRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return rest.hooks

    @staticmethod
    async def _zero(run: Run, spec: InstanceSpec, bare: dict[str, Any], limit_s: float) -> None:
        """Zero what is free on the disks, so that it takes no space in the dumps."""
        run.log("* zeroing free space of the disks")
        node, image = spec.primary_node, run.config.view.cluster.zeroing_image
        back = undo("backup.end_zeroing", node=node, spec=bare)
        async with run.step("zero free space", back):
            call = InstanceZeroCall(instance=spec, image=image, zeroing_s=limit_s)
            await run.nodes.call(node, call)

    async def _begin(self, run: Run, plan: ExportPlan) -> str:
        """A place for the export on the target; the name of the transfer to it."""
        name, transfer = plan.instance.name, run.ids.uuid()
        files = tuple(dump_name(disk) for disk in run.config.view.disks_of(plan.instance))
        back = undo("backup.abandon", node=plan.target, export=name, transfer=transfer)
        async with run.step("begin export", back):
            call = ExportBeginCall(
                export=name, transfer=transfer, source=plan.instance.primary_node, files=files
            )
            await run.nodes.call(plan.target, call)
        return transfer

    async def _snapshots(self, run: Run, plan: ExportPlan) -> tuple[DiskSpec, ...]:
        view, node = run.config.view, plan.instance.primary_node
        pairs = snapshots_of(view, tuple(view.disks_of(plan.instance)), run.job, run.ids)
        made = tuple(new for _, new in pairs)
        back = undo("disk.remove", node=node, disks=msgspec.to_builtins(made), directory=None)
        run.log("* creating snapshots of the disks")
        async with run.step("snapshot disks", back):
            for disk, new in pairs:
                await run.nodes.call(node, BlockdevSnapshotCall(disk=disk, snapshot=new))
        return made

    @staticmethod
    async def _start_early(run: Run, spec: InstanceSpec) -> None:
        """Start the guest while its snapshots are read; one that cannot is the more worth a backup.

        Raises:
            NodeCallError: its node does not answer, so nothing can be read there either.
        """
        run.log(f"* starting instance {spec.name}")
        async with run.step("start guest"):
            try:
                await start_guest(run, spec)
            except NodeCallError:
                raise
            except GenericError as err:
                run.log(f"Warning: instance {spec.name} does not run: {err}")

    async def _go_on(self, run: Run, rest: ExportRest) -> tuple[bool, list[bool]]:
        """Copy what is not copied yet, and complete the export."""
        view = run.config.view
        spec = instance_spec(view, view.instance(rest.uuid))
        if rest.remote is not None:
            await send_disks(run, rest, rest.remote, spec)
            return await self._end_remote(run, rest, rest.remote)
        for index in range(len(rest.dumps), len(spec.disks)):
            rest = await self._copy(run, rest, spec, index)
        await end_export(run, rest, spec)
        return True, [True] * len(spec.disks)

    @staticmethod
    async def _end_remote(
        run: Run, rest: ExportRest, target: RemoteTarget
    ) -> tuple[bool, list[bool]]:
        spec = instance_spec(run.config.view, run.config.view.instance(rest.uuid))
        await end_remote(run, rest, target, spec)
        return True, [True] * len(spec.disks)

    async def _copy(self, run: Run, rest: ExportRest, spec: InstanceSpec, index: int) -> ExportRest:
        node = spec.primary_node
        disk = run.config.view.disk(spec.disks[index].uuid)
        target = RemoteFile(
            node=run.nodes.address(rest.target),
            transfer=rest.transfer,
            name=dump_name(disk),
            compress=rest.compress,
        )
        device = rest.snapshots[index] if rest.snapshots else spec.disks[index]
        run.log(f"* exporting disk/{index} to {run.nodes.name(rest.target)}")
        call = ExportStartCall(instance=spec, index=index, device=device, target=target)
        return _with_dump(rest, await run.await_tasks(f"export disk/{index}", {node: call}, rest))


def _with_dump(rest: ExportRest, answers: Mapping[str, Dump]) -> ExportRest:
    (dump,) = answers.values()
    return msgspec.structs.replace(rest, dumps=(*rest.dumps, dump))


def _hooks(op: OpBackupExport, instance: Instance, view: ClusterView) -> HookContext:
    target = target_node(op, view)
    found = instance_hooks(
        instance,
        view,
        EXPORT_MODE=op.mode,
        EXPORT_NODE="" if target is None else target.name,
        EXPORT_DO_SHUTDOWN=op.shutdown,
        SHUTDOWN_TIMEOUT=op.shutdown_timeout,
        REMOVE_INSTANCE=op.remove_instance,
    )
    nodes: tuple[str, ...] = (view.cluster.master_node, instance.primary_node)
    if target is not None:
        nodes = (*nodes, target.uuid)
    return replace(found, pre=nodes, post=nodes)
