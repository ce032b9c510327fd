"""Say what an export needs: ``PUT /2/instances/[name]/prepare-export``, as move-instance asks.

Source: docs/design/0022-between-clusters.md.
"""

from dataclasses import dataclass
from typing import Any

from pyganeti.master.backup.remote import prepare
from pyganeti.master.instances.guests import check_online
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import ExportMode
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.backup import OpBackupPrepare


@dataclass(frozen=True, slots=True)
class PreparePlan:
    """Of which instance, and whether it goes to another cluster."""

    instance: Instance
    remote: bool


# Any: JSON.
class LUBackupPrepare(LogicalUnit[OpBackupPrepare, PreparePlan, dict[str, Any] | None]):
    """Make a key for a remote export; a local one needs nothing."""

    def declare_locks(self, op: OpBackupPrepare, view: ClusterView) -> LockRequest:
        """Lock the instance, so that it stays where the key is made."""
        return LockRequest(instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpBackupPrepare, view: ClusterView, nodes: NodeReader
    ) -> PreparePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: the instance's node is offline, or this cluster has no domain secret.
        """
        instance, remote = view.instance(op.instance_name), op.mode is ExportMode.REMOTE
        check_online(view, instance.primary_node)
        if remote:
            nodes.keys.domain_secret()
        return PreparePlan(instance, remote)

    def outline(self, plan: PreparePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        node = view.node(plan.instance.primary_node).name
        return [f"make a key on {node} for the export of {plan.instance.name}"][: plan.remote]

    async def execute(self, run: Run, plan: PreparePlan) -> dict[str, Any] | None:
        """Make the key; without it nobody can use the answer, which holds no secret."""
        return await prepare(run, plan.instance.primary_node) if plan.remote else None
