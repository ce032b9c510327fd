"""The cluster's address up and down: ``gnt-cluster activate-master-ip`` and its opposite.

Source: gnt-cluster(8) ACTIVATE-MASTER-IP, DEACTIVATE-MASTER-IP.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import Run, undo
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


async def move_address(run: Run, fields: dict[str, Any]) -> None:
    """Take the address down, record ``fields`` of the cluster, and bring it up as they say.

    A fault anywhere brings the settings and the address back as they were. Any: texts, numbers
    and flags.
    """
    old = run.config.view.cluster
    new = msgspec.structs.replace(old, **fields)
    async with run.step("deactivate master address", undo("cluster.activate_address")):
        await run.nodes.call(old.master_node, deactivate_call(old))
    before = {name: getattr(old, name) for name in fields}
    back = undo("cluster.set_fields", fields=before)
    async with run.step("record settings of the address", back):
        await run.config.commit(cluster_fields(**fields))
    call = msgspec.to_builtins(deactivate_call(new))
    async with run.step("activate master address", undo("cluster.deactivate_address", call=call)):
        await run.nodes.call(new.master_node, activate_call(new))
