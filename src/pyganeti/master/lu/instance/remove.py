"""Remove an instance: ``gnt-instance remove``, ``DELETE /2/instances/[name]``.

Source: gnt-instance(8) REMOVE; hooks path ``instance-remove``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from pyganeti.master.changes import instance_fields, remove_instance
from pyganeti.master.disks.mirrors import on_secondary
from pyganeti.master.disks.new import directory_of, directory_removal
from pyganeti.master.instances.guests import check_online, shut_down_disks, stop_guest
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.wire.noderpc.blockdev import BlockdevRemoveCall
from pyganeti.wire.noderpc.specs import InstanceSpec


@dataclass(frozen=True, slots=True)
class RemovePlan:
    """What will be removed."""

    instance: Instance
    spec: InstanceSpec
    directory: str | None
    timeout_s: float
    ignore_failures: bool
    hooks: HookContext


_Work = Callable[[Run, RemovePlan], Awaitable[None]]


class LUInstanceRemove(LogicalUnit[OpInstanceRemove, RemovePlan | None, None]):
    """Stop an instance and remove its disks and itself.

    Without undo: what is removed stays removed. The configuration forgets the instance last, so
    that a remove that failed half-way can be repeated; meanwhile nobody wants it to run. Where
    failures are ignored it is also how to get rid of what an earlier operation left and cannot be
    undone, be it all that there is.
    """

    hooks_path: ClassVar[str] = "instance-remove"
    takes_forthcoming: ClassVar[bool] = True

    def declare_locks(self, op: OpInstanceRemove, view: ClusterView) -> LockRequest:
        """Lock the instance and the resources of its nodes; its name, if that is all there is."""
        if op.ignore_failures and view.find_instance(op.instance_name) is None:
            return LockRequest(instances=frozenset({op.instance_name}))
        instance = view.instance(op.instance_name)
        nodes = frozenset(node.uuid for node in view.instance_nodes(instance))
        return LockRequest(
            instances=frozenset({instance.name}), shared_nodes=nodes, shared_node_res=nodes
        )

    async def check_prereq(
        self, op: OpInstanceRemove, view: ClusterView, nodes: NodeReader
    ) -> RemovePlan | None:
        """Refuse what cannot work; change nothing. No plan: only something of it was left.

        Raises:
            OpPrereqError: its node is offline, and failures are not to be ignored.
        """
        if nodes.settled and view.find_instance(op.instance_name) is None:
            return None
        instance = view.instance(op.instance_name)
        if not op.ignore_failures and not instance.forthcoming:
            check_online(view, instance.primary_node)
        context = instance_hooks(instance, view, SHUTDOWN_TIMEOUT=op.shutdown_timeout)
        return RemovePlan(
            instance,
            instance_spec(view, instance),
            directory_of(view.disks_of(instance)),
            op.shutdown_timeout,
            op.ignore_failures,
            replace(context, pre=(view.cluster.master_node,)),
        )

    def gives_up(self, op: OpInstanceRemove) -> bool:
        """See :meth:`LogicalUnit.gives_up`."""
        return op.ignore_failures

    def hooks(self, plan: RemovePlan | None, view: ClusterView) -> HookContext | None:
        """Before on the master only, afterwards on the instance's nodes too."""
        return None if plan is None else plan.hooks

    def outline(self, plan: RemovePlan | None, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan is None:
            return []
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        disks = [
            f"remove {disk.iv_name} ({disk.size} MiB)" for disk in view.disks_of(plan.instance)
        ]
        last = f"remove instance {name} from the configuration"
        return [last] if plan.instance.forthcoming else [f"stop {name} on {node}", *disks, last]

    async def execute(self, run: Run, plan: RemovePlan | None) -> None:
        """Stop the guest, remove the disks, forget the instance."""
        if plan is None:
            return
        if not plan.instance.forthcoming:
            await self._remove_from_nodes(run, plan)
        async with run.step("remove from config"):
            await run.config.commit(remove_instance(plan.instance.uuid))

    async def _remove_from_nodes(self, run: Run, plan: RemovePlan) -> None:
        run.log(f"* shutting down instance {plan.instance.name} on its node")
        async with run.step("stop guest"):
            await self._attempt(run, plan, "could not shut down the instance", self._stop)
        run.log("* removing its disks")
        if plan.instance.admin_state is AdminState.UP:
            down = instance_fields(
                plan.instance.uuid, admin_state=AdminState.DOWN, disks_active=False
            )
            async with run.step("mark as down"):
                await run.config.commit(down)
        async with run.step("remove disks"):
            await self._attempt(run, plan, "could not remove its disks", self._remove_disks)

    @staticmethod
    async def _attempt(run: Run, plan: RemovePlan, what: str, work: _Work) -> None:
        try:
            await work(run, plan)
        except GenericError as err:
            if not plan.ignore_failures:
                raise
            run.log(f"Warning: {what}, going on: {err}")

    @staticmethod
    async def _stop(run: Run, plan: RemovePlan) -> None:
        await stop_guest(run.nodes, plan.spec, plan.timeout_s)
        await shut_down_disks(run.nodes, plan.spec)

    @staticmethod
    async def _remove_disks(run: Run, plan: RemovePlan) -> None:
        for node in plan.spec.secondary_nodes:
            if run.nodes.is_offline(node):
                name = run.nodes.name(node)
                run.log(f"Warning: node {name} is marked offline, its volumes are left there")
        for disk in plan.spec.disks:
            await run.nodes.call(plan.spec.primary_node, BlockdevRemoveCall(disk=disk))
            await on_secondary(run.nodes, disk, lambda told: BlockdevRemoveCall(disk=told))
        if plan.directory is not None:
            call = directory_removal(plan.directory, run.config.view)
            await run.nodes.call(plan.spec.primary_node, call)
