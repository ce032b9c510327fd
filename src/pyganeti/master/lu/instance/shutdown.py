"""Stop an instance: ``gnt-instance shutdown``, ``PUT /2/instances/[name]/shutdown``.

Source: gnt-instance(8) SHUTDOWN; hooks path ``instance-stop``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.changes import instance_fields
from pyganeti.master.instances.guests import (
    check_online,
    guest_info,
    shut_down_disks,
    stop_guest,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, AdminStateSource
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceShutdown


@dataclass(frozen=True, slots=True)
class ShutdownPlan:
    """What will be done: ``stop`` is false for a node that is offline and ignored."""

    instance: Instance
    remember: bool
    stop: bool
    timeout_s: float
    source: AdminStateSource


class LUInstanceShutdown(LogicalUnit[OpInstanceShutdown, ShutdownPlan, None]):
    """Stop an instance and shut down its disks; one that is down is left so."""

    hooks_path: ClassVar[str] = "instance-stop"

    def declare_locks(self, op: OpInstanceShutdown, view: ClusterView) -> LockRequest:
        """Lock the instance."""
        return LockRequest(instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpInstanceShutdown, view: ClusterView, nodes: NodeReader
    ) -> ShutdownPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: the instance is marked offline (and ``force`` is not given), or its node
                is (and is not to be ignored). By its user, but it runs.
        """
        instance = view.instance(op.instance_name)
        if instance.admin_state is AdminState.OFFLINE and not op.force:
            raise OpPrereqError(f"instance {instance.name} is marked offline", ECode.STATE)
        offline = view.node(instance.primary_node).offline
        if not (offline and op.ignore_offline_nodes):
            check_online(view, instance.primary_node)
        if op.admin_state_source is AdminStateSource.USER and not offline:
            await _check_has_ended(nodes, view, instance)
        return ShutdownPlan(
            instance,
            remember=not op.no_remember,
            stop=not offline,
            timeout_s=op.timeout,
            source=op.admin_state_source or AdminStateSource.ADMIN,
        )

    def hooks(self, plan: ShutdownPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(view.instance(plan.instance.uuid), view, TIMEOUT=int(plan.timeout_s))

    def outline(self, plan: ShutdownPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        wanted = [
            (
                plan.remember and plan.instance.admin_state is AdminState.UP,
                f"record that {name} should be down",
            ),
            (plan.stop, f"stop {name} on {node}"),
        ]
        return [line for asked, line in wanted if asked]

    async def execute(self, run: Run, plan: ShutdownPlan) -> None:
        """Record the wanted state, stop the guest, shut down its disks.

        No step has an undo: what was asked for is that it stops, and half of it is nearer to that.
        """
        uuid = plan.instance.uuid
        if plan.remember:
            state = AdminState.DOWN
            if plan.instance.admin_state is AdminState.OFFLINE:
                state = AdminState.OFFLINE
            async with run.step("record admin state"):
                await run.config.commit(
                    instance_fields(uuid, admin_state=state, admin_state_source=plan.source)
                )
        if not plan.stop:
            run.log("Primary node offline, marked instance as stopped")
            return
        await stop_and_release(run, plan.instance, plan.timeout_s)


async def _check_has_ended(nodes: NodeReader, view: ClusterView, instance: Instance) -> None:
    """Refuse to follow a user who shut the guest down, once it was started again."""
    if await guest_info(nodes, view, instance) is not None:
        text = f"instance {instance.name} runs, it was not shut down by its user"
        raise OpPrereqError(text, ECode.STATE)


async def stop_and_release(run: Run, instance: Instance, timeout_s: float) -> None:
    """Stop the guest, then shut its disks down and record that."""
    spec = instance_spec(run.config.view, instance)
    async with run.step("stop guest"):
        await stop_guest(run.nodes, spec, timeout_s)
    async with run.step("shut down disks"):
        await shut_down_disks(run.nodes, spec)
        await run.config.commit(instance_fields(instance.uuid, disks_active=False))
