"""Give a network another name: ``gnt-network rename``, ``PUT /2/networks/[name]/rename``.

Source: gnt-network(8) RENAME; hooks path ``network-rename``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.network.set_params import TAKEN_BY_INSTANCES
from pyganeti.master.lu.renaming import record_name
from pyganeti.master.naming import check_new_name
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Kind
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkRename


@dataclass(frozen=True, slots=True)
class NetworkRenamePlan:
    """The network as it is, and its new name."""

    network: Network
    name: str


class LUNetworkRename(LogicalUnit[OpNetworkRename, NetworkRenamePlan, str]):
    """Rename a network; the result is the new name."""

    hooks_path: ClassVar[str] = "network-rename"

    def declare_locks(self, op: OpNetworkRename, view: ClusterView) -> LockRequest:
        """Lock the network."""
        return LockRequest(networks=frozenset({view.network(op.network_name).uuid}))

    async def check_prereq(
        self, op: OpNetworkRename, view: ClusterView, nodes: NodeReader
    ) -> NetworkRenamePlan:
        """Refuse a name that is taken.

        Raises:
            OpPrereqError: ``ECode.EXISTS``, ``ECode.INVAL`` for what cannot be a name, or
                ``ECode.STATE`` where the cluster's settings have its name.
        """
        network = view.network(op.network_name)
        if network.name == view.cluster.instance_communication_network:
            text = (
                f"network {network.name} is the one for communication: take it out of the settings"
            )
            why = "first, with gnt-cluster modify --instance-communication-network="
            raise OpPrereqError(f"{text} {why}", ECode.STATE)
        check_new_name(Kind.NETWORK, op.new_name, view)
        return NetworkRenamePlan(network, op.new_name)

    def hooks(self, plan: NetworkRenamePlan, view: ClusterView) -> HookContext:
        """On the master and the members of connected groups."""
        old = plan.network
        groups = [group for group in view.all_groups() if old.uuid in group.networks]
        members = (node.uuid for group in groups for node in view.nodes_of_group(group.uuid))
        nodes = (view.cluster.master_node, *members)
        env = {"OLD_NAME": old.name, "NEW_NAME": plan.name}
        return HookContext("NETWORK", old.name, env, pre=nodes, post=nodes)

    def outline(self, plan: NetworkRenamePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"rename network {plan.network.name} to {plan.name}"]

    async def execute(self, run: Run, plan: NetworkRenamePlan) -> str:
        """Record the name."""
        back = restoration(plan.network, but=TAKEN_BY_INSTANCES)
        return await record_name(run, plan.network, plan.name, back)
