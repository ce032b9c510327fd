"""Remove an export: ``gnt-backup remove``.

Source: gnt-backup(8) REMOVE.
"""

from dataclasses import dataclass

from pyganeti.master.backup.exports import FoundExport, export_name, find_export
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.backup import OpBackupRemove
from pyganeti.wire.noderpc.backup import ExportRemoveCall


@dataclass(frozen=True, slots=True)
class RemovePlan:
    """Which export, and where it is."""

    name: str
    found: FoundExport


class LUBackupRemove(LogicalUnit[OpBackupRemove, RemovePlan, None]):
    """Remove an export from all nodes. Without undo: what is removed stays removed."""

    def declare_locks(self, op: OpBackupRemove, view: ClusterView) -> LockRequest:
        """Lock the instance's name, whether it still is: who exports and imports it does, too."""
        return LockRequest(instances=frozenset({export_name(op.instance_name, view)}))

    async def check_prereq(
        self, op: OpBackupRemove, view: ClusterView, nodes: NodeReader
    ) -> RemovePlan:
        """Look for it.

        Raises:
            OpPrereqError: the name is none.
        """
        name = export_name(op.instance_name, view)
        return RemovePlan(name, await find_export(name, view, nodes))

    def outline(self, plan: RemovePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"remove export {plan.name} from {view.node(n).name}" for n in plan.found.nodes]

    async def execute(self, run: Run, plan: RemovePlan) -> None:
        """Remove it from each node that has it, and name the nodes that did not say."""
        for node, reason in plan.found.silent.items():
            run.log(f"Warning: {run.nodes.name(node)} was not asked for it: {reason}")
        if not plan.found.nodes:
            run.log(
                f"No node that was asked has an export {plan.name}. That of an instance which"
                " does not exist any more goes by its full name."
            )
        for node in plan.found.nodes:
            async with run.step(f"remove export from {run.nodes.name(node)}"):
                await run.nodes.call(node, ExportRemoveCall(export=plan.name))
