"""Reboot an instance: ``gnt-instance reboot``, ``POST /2/instances/[name]/reboot``.

Source: gnt-instance(8) REBOOT; hooks path ``instance-reboot``.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.changes import instance_fields
from pyganeti.master.disks.mirrors import warning
from pyganeti.master.instances.guests import (
    bare_spec,
    check_bridges,
    check_memory,
    check_online,
    guest_info,
    shut_down_disks,
    start_guest,
    stop_guest,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.startup import activate
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, AdminStateSource, RebootType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceReboot
from pyganeti.wire.noderpc.instance import InstanceRebootCall
from pyganeti.wire.noderpc.specs import InstanceSpec


@dataclass(frozen=True, slots=True)
class RebootPlan:
    """What will be done: ``in_place`` lets the node do it, otherwise stop and start from here."""

    instance: Instance
    spec: InstanceSpec
    bare: dict[str, object]
    kind: RebootType
    in_place: bool
    running: bool
    timeout_s: float
    ignore_secondaries: bool


class LUInstanceReboot(LogicalUnit[OpInstanceReboot, RebootPlan, None]):
    """Reboot a guest: softly, hard, or fully with its disks shut down in between."""

    hooks_path: ClassVar[str] = "instance-reboot"

    def declare_locks(self, op: OpInstanceReboot, view: ClusterView) -> LockRequest:
        """Lock the instance and the resources of its primary node."""
        instance = view.instance(op.instance_name)
        return LockRequest(
            instances=frozenset({instance.name}), node_res=frozenset({instance.primary_node})
        )

    async def check_prereq(
        self, op: OpInstanceReboot, view: ClusterView, nodes: NodeReader
    ) -> RebootPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: marked offline, node offline or silent, a bridge missing.
        """
        instance = view.instance(op.instance_name)
        if instance.admin_state is AdminState.OFFLINE:
            raise OpPrereqError(f"instance {instance.name} is marked offline", ECode.STATE)
        check_online(view, instance.primary_node)
        spec = instance_spec(view, instance)
        await check_bridges(nodes, view, spec)
        running = await guest_info(nodes, view, instance) is not None
        if not running:
            await check_memory(nodes, view, spec)
        return RebootPlan(
            instance,
            spec,
            msgspec.to_builtins(bare_spec(view, instance)),
            kind=op.reboot_type,
            in_place=running and op.reboot_type is not RebootType.FULL,
            running=running,
            timeout_s=op.shutdown_timeout,
            ignore_secondaries=op.ignore_secondaries,
        )

    def hooks(self, plan: RebootPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(
            view.instance(plan.instance.uuid),
            view,
            REBOOT_TYPE=plan.kind,
            SHUTDOWN_TIMEOUT=int(plan.timeout_s),
            IGNORE_SECONDARIES=plan.ignore_secondaries,
        )

    def outline(self, plan: RebootPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        if plan.in_place:
            return [f"reboot {name} on {node} ({plan.kind})"]
        return [*([f"stop {name} on {node}"] if plan.running else []), f"start {name} on {node}"]

    async def execute(self, run: Run, plan: RebootPlan) -> None:
        """Reboot, and record that the instance should run.

        A guest that was stopped and could not be started again stays down: the recorded state makes
        the watcher try again.
        """
        async with run.step("record admin state"):
            await run.config.commit(
                instance_fields(
                    plan.instance.uuid,
                    admin_state=AdminState.UP,
                    admin_state_source=AdminStateSource.ADMIN,
                )
            )
        if plan.in_place:
            async with run.step("reboot guest"):
                await run.nodes.call(
                    plan.instance.primary_node,
                    InstanceRebootCall(
                        instance=plan.spec,
                        reboot_type=plan.kind,
                        shutdown_timeout=plan.timeout_s,
                    ),
                )
            return
        await self._stop_and_start(run, plan)

    async def _stop_and_start(self, run: Run, plan: RebootPlan) -> None:
        warn = warning(run) if plan.ignore_secondaries else None
        if plan.running:
            async with run.step("stop guest"):
                await stop_guest(run.nodes, plan.spec, plan.timeout_s)
            async with run.step("shut down disks"):
                await shut_down_disks(run.nodes, plan.spec, warn=warning(run))
        else:
            run.log(f"Instance {plan.instance.name} was already stopped, starting now")
        await activate(run, plan.instance, plan.spec, plan.bare, warn=warn)
        async with run.step("start guest", undo("instance.stop", spec=plan.bare)):
            await start_guest(run, plan.spec)
