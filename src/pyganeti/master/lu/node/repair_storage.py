"""Repair a volume group: ``gnt-node repair-storage``, ``PUT /2/nodes/[name]/storage/repair``.

Source: gnt-node(8) REPAIR-STORAGE.
"""

from dataclasses import dataclass

from pyganeti.master.disks.mirrors import mirror_statuses
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.storage_units import enabled_type
from pyganeti.model.enums import StorageType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpRepairNodeStorage
from pyganeti.wire.noderpc.disks import LocalDisk
from pyganeti.wire.noderpc.units import StorageExecuteCall


@dataclass(frozen=True, slots=True)
class RepairStoragePlan:
    """Which group; ``warnings`` are what was to be ignored."""

    node: Node
    name: str
    warnings: tuple[str, ...]


class LURepairNodeStorage(LogicalUnit[OpRepairNodeStorage, RepairStoragePlan, None]):
    """Take physical volumes that are missing out of their group.

    Without undo: what is missing does not come back, and it may be repeated.
    """

    def declare_locks(self, op: OpRepairNodeStorage, view: ClusterView) -> LockRequest:
        """The node."""
        return LockRequest(nodes=frozenset({view.node(op.node_name).uuid}))

    async def check_prereq(
        self, op: OpRepairNodeStorage, view: ClusterView, nodes: NodeReader
    ) -> RepairStoragePlan:
        """Refuse where the other half of a mirror is the bad one.

        Raises:
            OpPrereqError: that, unless ``ignore_consistency``; no volume group; the node is
                offline.
        """
        node = view.node(op.node_name)
        if op.storage_type is not StorageType.LVM_VG:
            text = f"storage units of type {op.storage_type} cannot be repaired, only lvm-vg"
            raise OpPrereqError(text, ECode.INVAL)
        if not op.name:
            raise OpPrereqError("name the volume group", ECode.INVAL)
        enabled_type(view.cluster, op.storage_type)
        if node.offline:
            raise OpPrereqError(f"node {node.name} is marked offline", ECode.STATE)
        warnings = []
        for instance in _mirrored(view, node):
            try:
                await _check_others(view, nodes, instance, node)
            except OpPrereqError as err:
                if not op.ignore_consistency:
                    raise
                warnings.append(str(err.args[0]))
        return RepairStoragePlan(node, op.name, tuple(warnings))

    def outline(self, plan: RepairStoragePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"take what is missing out of volume group {plan.name} of node {plan.node.name}"]

    async def execute(self, run: Run, plan: RepairStoragePlan) -> None:
        """Let the node do it."""
        for text in plan.warnings:
            run.log(f"Warning: {text}")
        run.log(f"Repairing volume group {plan.name} on node {plan.node.name}")
        async with run.step("repair storage unit"):
            await run.nodes.call(plan.node.uuid, StorageExecuteCall(name=plan.name))


def _mirrored(view: ClusterView, node: Node) -> list[Instance]:
    """Instances with mirrors on the node that are in use."""
    there = (*view.primary_instances(node.uuid), *view.secondary_instances(node.uuid))
    return [
        instance
        for instance in there
        if instance.disks_active
        and any(disk.dev_type in INTERNALLY_MIRRORED for disk in view.disks_of(instance))
    ]


async def _check_others(
    view: ClusterView, nodes: NodeReader, instance: Instance, node: Node
) -> None:
    disks = view.disks_of(instance)
    for other in view.instance_nodes(instance):
        if other.uuid == node.uuid:
            continue
        statuses = await mirror_statuses(view, nodes, disks, other)
        if any(one is not None and one.local_disk is LocalDisk.FAULTY for one in statuses):
            text = f"instance {instance.name} has faulty disks on node {other.name}"
            raise OpPrereqError(f"{text}: what is left may be here only", ECode.STATE)
