"""Remove a node: ``gnt-node remove``.

Source: gnt-node(8) REMOVE; hooks path ``node-remove``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.candidate_pool import Recruit, pool_without, promotion, recruits
from pyganeti.master.changes import remove_node, together
from pyganeti.master.etc_hosts import remove_entry
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NODED_PORT, NodeReader
from pyganeti.master.ssh_logins import following_logins
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeRemove
from pyganeti.wire.noderpc.call import NodeAddress
from pyganeti.wire.noderpc.node import NodeLeaveClusterCall


@dataclass(frozen=True, slots=True)
class RemovePlan:
    """Which node, and who becomes a candidate in its place."""

    node: Node
    recruits: tuple[Recruit, ...]


class LUNodeRemove(LogicalUnit[OpNodeRemove, RemovePlan, None]):
    """Take a node out of the cluster. Without undo: a node that is out is told to leave."""

    hooks_path: ClassVar[str] = "node-remove"

    def declare_locks(self, op: OpNodeRemove, view: ClusterView) -> LockRequest:
        """The whole cluster: the set of nodes changes."""
        return LockRequest(cluster=True)

    async def check_prereq(
        self, op: OpNodeRemove, view: ClusterView, nodes: NodeReader
    ) -> RemovePlan:
        """Refuse the master, and a node that has instances.

        Raises:
            OpPrereqError: it is the master, or not empty.
        """
        node = view.node(op.node_name)
        if view.is_master(node):
            text = f"node {node.name} is the master, fail over to another node first"
            raise OpPrereqError(text, ECode.INVAL)
        held = view.primary_instances(node.uuid) + view.secondary_instances(node.uuid)
        if held:
            names = ", ".join(instance.name for instance in held)
            text = f"node {node.name} still has instances: {names}"
            raise OpPrereqError(text, ECode.INVAL)
        missing = pool_without(view, node.uuid).missing
        return RemovePlan(node, tuple(await recruits(view, nodes, node.uuid, missing)))

    def hooks(self, plan: RemovePlan, view: ClusterView) -> HookContext:
        """On all other nodes; afterwards on the removed one too, while it can be reached."""
        others = tuple(node.uuid for node in view.online_nodes() if node.uuid != plan.node.uuid)
        env = {"OP_TARGET": plan.node.name, "NODE_NAME": plan.node.name}
        early = (plan.node.uuid,)
        return HookContext("NODE", plan.node.name, env, pre=others, post=others, early=early)

    def outline(self, plan: RemovePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name = plan.node.name
        leave = (
            []
            if plan.node.offline
            else [f"let {name} remove its cluster files and stop its daemon"]
        )
        promoted = (f"make node {one.node.name} a master candidate" for one in plan.recruits)
        return [f"remove node {name} from the configuration", *promoted, *leave]

    async def execute(self, run: Run, plan: RemovePlan) -> None:
        """Forget the node, tell the others (its certificate counts no more), let it leave."""
        node = plan.node
        async with following_logins(run):
            async with run.step("remove from config"):
                promotions = map(promotion, plan.recruits)
                await run.config.commit(together(remove_node(node.uuid), *promotions))
            for recruit in plan.recruits:
                run.log(f"Node {recruit.node.name} becomes a master candidate")
            async with run.step("distribute files"):
                missed = await run.distribute()
        for name, why in missed.items():
            run.log(f"Warning: node {name} does not know yet that {node.name} was removed: {why}")
        await remove_entry(run, node)
        if node.offline:
            run.log(f"Warning: node {node.name} is offline: clean it with node-cleanup")
            return
        address = NodeAddress(node.name, node.primary_ip, NODED_PORT)
        modify_ssh = run.config.view.cluster.modify_ssh_setup
        async with run.step("let the node leave"):
            try:
                await run.nodes.call_address(
                    address, NodeLeaveClusterCall(modify_ssh_setup=modify_ssh)
                )
            except GenericError as err:
                run.log(f"Warning: node {node.name} was removed but not cleaned: {err}")
