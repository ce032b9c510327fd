"""Reboot a node hard: ``gnt-node powercycle``, ``POST /2/nodes/[name]/powercycle``.

Source: gnt-node(8) POWERCYCLE.
"""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NODED_PORT, NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodePowercycle
from pyganeti.wire.noderpc.call import NodeAddress
from pyganeti.wire.noderpc.power import NodePowercycleCall


@dataclass(frozen=True, slots=True)
class PowercyclePlan:
    """Which node."""

    node: Node


class LUNodePowercycle(LogicalUnit[OpNodePowercycle, PowercyclePlan, str]):
    """Let a node reboot at once. Nothing undoes it."""

    def declare_locks(self, op: OpNodePowercycle, view: ClusterView) -> LockRequest:
        """None: it is the last resort, also against what holds them."""
        return LockRequest()

    async def check_prereq(
        self, op: OpNodePowercycle, view: ClusterView, nodes: NodeReader
    ) -> PowercyclePlan:
        """Refuse the master, unless it is forced.

        Raises:
            OpPrereqError: it is the master; or there is no such node.
        """
        node = view.node(op.node_name)
        if view.is_master(node) and not op.force:
            text = f"node {node.name} is the master: it is rebooted with --force only"
            raise OpPrereqError(text, ECode.INVAL)
        return PowercyclePlan(node)

    def outline(self, plan: PowercyclePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"reboot node {plan.node.name} at once"]

    async def execute(self, run: Run, plan: PowercyclePlan) -> str:
        """Tell the node, offline or not: it is what was asked for."""
        node = plan.node
        address = NodeAddress(node.name, node.primary_ip, NODED_PORT)
        async with run.step("schedule reboot"):
            return await run.nodes.call_address(address, NodePowercycleCall())
