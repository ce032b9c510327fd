"""Enlarge a disk: ``gnt-instance grow-disk``.

Source: gnt-instance(8) GROW-DISK; hooks path ``disk-grow``.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.guests import check_online
from pyganeti.master.instance_hooks import instance_hooks
from pyganeti.master.ipolicy import InstanceShape, check_policy
from pyganeti.master.locks import Level, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.master.space import check_space, volume_group, wanted_space
from pyganeti.master.specs import disk_spec
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceGrowDisk
from pyganeti.wire.noderpc.blockdev import BlockdevGrowCall


@dataclass(frozen=True, slots=True)
class GrowPlan:
    """Which disk, by how many MiB."""

    instance: Instance
    disk: Disk
    amount: int
    absolute: bool


class LUInstanceGrowDisk(LogicalUnit[OpInstanceGrowDisk, GrowPlan, None]):
    """Make one disk larger. A disk cannot be made smaller, so there is no undo: the recorded size
    follows the real one."""

    hooks_path: ClassVar[str] = "disk-grow"

    def declare_locks(self, op: OpInstanceGrowDisk, view: ClusterView) -> LockRequest:
        """Lock the instance and the resources of its primary node."""
        instance = view.instance(op.instance_name)
        return LockRequest(
            instances=frozenset({instance.name}), node_res=frozenset({instance.primary_node})
        )

    async def check_prereq(
        self, op: OpInstanceGrowDisk, view: ClusterView, nodes: NodeReader
    ) -> GrowPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: no such disk, smaller than it is, too large for policy or node.
        """
        instance = view.instance(op.instance_name)
        check_online(view, instance.primary_node)
        disks = view.disks_of(instance)
        if not 0 <= op.disk < len(disks):
            text = f"instance {instance.name} has no disk {op.disk}, it has {len(disks)}"
            raise OpPrereqError(text, ECode.INVAL)
        disk = disks[op.disk]
        amount = op.amount - disk.size if op.absolute else op.amount
        if amount < 0:
            text = f"disk/{op.disk} has {disk.size} MiB already, it cannot shrink to {op.amount}"
            raise OpPrereqError(text, ECode.STATE)
        node = view.node(instance.primary_node)
        if not op.ignore_ipolicy:
            sizes = [found.size + (amount if found is disk else 0) for found in disks]
            shape = InstanceShape.of(instance, view, sizes, disk.dev_type)
            check_policy(shape, view.ipolicy(view.group_of(node)), f"instance {instance.name}")
        wanted = wanted_space(view, disk.dev_type, [(volume_group(disk), amount)])
        await check_space(nodes, node, wanted, view.cluster.cluster_name)
        return GrowPlan(instance, disk, amount, op.absolute)

    def hooks(self, plan: GrowPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(
            view.instance(plan.instance.uuid),
            view,
            DISK=plan.disk.iv_name.rpartition("/")[2],
            AMOUNT=plan.amount,
            ABSOLUTE=plan.absolute,
        )

    def outline(self, plan: GrowPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan.amount == 0:
            return []
        disk, size = plan.disk.iv_name, plan.disk.size
        after = size + plan.amount
        return [f"grow {disk} of {plan.instance.name} from {size} to {after} MiB"]

    async def execute(self, run: Run, plan: GrowPlan) -> None:
        """Grow on the node, then record the new size."""
        if plan.amount == 0:
            return
        call = BlockdevGrowCall(disk=disk_spec(plan.disk, run.config.view), amount=plan.amount)
        async with run.step("grow disk"):
            await run.nodes.call(plan.instance.primary_node, call)
        run.locks.release(Level.NODE_RES)

        def record(view: ClusterView) -> Change:
            size = plan.disk.size + plan.amount
            return Change(puts=(msgspec.structs.replace(view.disk(plan.disk.uuid), size=size),))

        async with run.step("record size"):
            await run.config.commit(record)
