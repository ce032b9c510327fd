"""Change a storage unit: ``gnt-node modify-storage``, ``PUT /2/nodes/[name]/storage/modify``.

Source: gnt-node(8) MODIFY-STORAGE.
"""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.storage_units import enabled_type
from pyganeti.model.enums import StorageType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeModifyStorage
from pyganeti.wire.noderpc.units import StorageModifyCall


@dataclass(frozen=True, slots=True)
class ModifyStoragePlan:
    """What becomes of which physical volume."""

    node: Node
    call: StorageModifyCall


class LUNodeModifyStorage(LogicalUnit[OpNodeModifyStorage, ModifyStoragePlan, None]):
    """Allow or forbid new volumes on a physical volume.

    Without undo: it is one call, and may be repeated.
    """

    def declare_locks(self, op: OpNodeModifyStorage, view: ClusterView) -> LockRequest:
        """The node: nobody looks for space on it meanwhile."""
        return LockRequest(nodes=frozenset({view.node(op.node_name).uuid}))

    async def check_prereq(
        self, op: OpNodeModifyStorage, view: ClusterView, nodes: NodeReader
    ) -> ModifyStoragePlan:
        """Refuse all but ``allocatable`` of ``lvm-pv``.

        Raises:
            OpPrereqError: says what can be changed; or the node is offline.
        """
        node = view.node(op.node_name)
        if op.storage_type is not StorageType.LVM_PV:
            text = f"storage units of type {op.storage_type} cannot be modified, only lvm-pv"
            raise OpPrereqError(text, ECode.INVAL)
        unknown = sorted(op.changes.keys() - {"allocatable"})
        if unknown:
            text = f"{', '.join(unknown)} of a physical volume cannot be modified, allocatable can"
            raise OpPrereqError(text, ECode.INVAL)
        allocatable = op.changes.get("allocatable")
        if not isinstance(allocatable, bool):
            raise OpPrereqError("say whether it is to be allocatable", ECode.INVAL)
        if not op.name:
            raise OpPrereqError("name the physical volume", ECode.INVAL)
        enabled_type(view.cluster, op.storage_type)
        if node.offline:
            raise OpPrereqError(f"node {node.name} is marked offline", ECode.STATE)
        return ModifyStoragePlan(node, StorageModifyCall(name=op.name, allocatable=allocatable))

    def outline(self, plan: ModifyStoragePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        call = plan.call
        verb = "allow" if call.allocatable else "forbid"
        return [f"{verb} new volumes on {call.name} of node {plan.node.name}"]

    async def execute(self, run: Run, plan: ModifyStoragePlan) -> None:
        """Let the node do it."""
        async with run.step("modify storage unit"):
            await run.nodes.call(plan.node.uuid, plan.call)
