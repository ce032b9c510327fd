"""The cluster's address up and down: ``gnt-cluster activate-master-ip`` and its opposite.

Source: gnt-cluster(8) ACTIVATE-MASTER-IP, DEACTIVATE-MASTER-IP.
"""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.master_ip import activate_call, deactivate_call
from pyganeti.master.nodes import NodeReader
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterActivateMasterIp, OpClusterDeactivateMasterIp


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """Nothing to decide."""


class LUClusterActivateMasterIp(LogicalUnit[OpClusterActivateMasterIp, AddressPlan, None]):
    """Bring the address up on the master, where it may be already."""

    def declare_locks(self, op: OpClusterActivateMasterIp, view: ClusterView) -> LockRequest:
        """The master."""
        return LockRequest(nodes=frozenset({view.cluster.master_node}))

    async def check_prereq(
        self, op: OpClusterActivateMasterIp, view: ClusterView, nodes: NodeReader
    ) -> AddressPlan:
        """Nothing can be refused."""
        return AddressPlan()

    def outline(self, plan: AddressPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"activate {view.cluster.master_ip} on {view.master_node.name}"]

    async def execute(self, run: Run, plan: AddressPlan) -> None:
        """Bring it up."""
        cluster = run.config.view.cluster
        async with run.step("activate master address"):
            await run.nodes.call(cluster.master_node, activate_call(cluster))


class LUClusterDeactivateMasterIp(LogicalUnit[OpClusterDeactivateMasterIp, AddressPlan, None]):
    """Take the address down, until it is activated or the master daemon starts."""

    def declare_locks(self, op: OpClusterDeactivateMasterIp, view: ClusterView) -> LockRequest:
        """The master."""
        return LockRequest(nodes=frozenset({view.cluster.master_node}))

    async def check_prereq(
        self, op: OpClusterDeactivateMasterIp, view: ClusterView, nodes: NodeReader
    ) -> AddressPlan:
        """Nothing can be refused."""
        return AddressPlan()

    def outline(self, plan: AddressPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"deactivate {view.cluster.master_ip} on {view.master_node.name}"]

    async def execute(self, run: Run, plan: AddressPlan) -> None:
        """Take it down."""
        cluster = run.config.view.cluster
        async with run.step("deactivate master address"):
            await run.nodes.call(cluster.master_node, deactivate_call(cluster))
