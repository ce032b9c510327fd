"""Remove a network: ``gnt-network remove``, ``DELETE /2/networks/[name]``.

Source: gnt-network(8) REMOVE; hooks path ``network-remove``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Change, Kind
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkRemove


@dataclass(frozen=True, slots=True)
class NetworkRemovePlan:
    """The network to be removed."""

    network: Network


class LUNetworkRemove(LogicalUnit[OpNetworkRemove, NetworkRemovePlan, None]):
    """Remove a network that nobody uses; ``force`` does not overrule that, as in Ganeti."""

    hooks_path: ClassVar[str] = "network-remove"

    def declare_locks(self, op: OpNetworkRemove, view: ClusterView) -> LockRequest:
        """Lock the network."""
        return LockRequest(networks=frozenset({view.network(op.network_name).uuid}))

    async def check_prereq(
        self, op: OpNetworkRemove, view: ClusterView, nodes: NodeReader
    ) -> NetworkRemovePlan:
        """Refuse a network that is in use.

        Raises:
            OpPrereqError: ``ECode.STATE``; names the groups or instances.
        """
        network = view.network(op.network_name)
        _check_unused(network, view)
        return NetworkRemovePlan(network)

    def hooks(self, plan: NetworkRemovePlan, view: ClusterView) -> HookContext:
        """On the master."""
        name, master = plan.network.name, (view.cluster.master_node,)
        return HookContext("NETWORK", name, {"NETWORK_NAME": name}, pre=master, post=master)

    def outline(self, plan: NetworkRemovePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"remove network {plan.network.name}"]

    async def execute(self, run: Run, plan: NetworkRemovePlan) -> None:
        """Remove it; no group is connected while it is locked, and no instance comes without."""
        gone = Change(deletes=((Kind.NETWORK, plan.network.uuid),))
        async with run.step("remove network", restoration(plan.network)):
            await run.config.commit(lambda _view: gone)


def _check_unused(network: Network, view: ClusterView) -> None:
    groups = [group.name for group in view.all_groups() if network.uuid in group.networks]
    if groups:
        text = f"network {network.name} is connected to node groups {', '.join(groups)}"
        raise OpPrereqError(f"{text}: disconnect it first", ECode.STATE)
    users = [instance.name for instance in view.instances_of_network(network.uuid)]
    if users:
        text = f"network {network.name} is used by instances {', '.join(users)}"
        raise OpPrereqError(text, ECode.STATE)
