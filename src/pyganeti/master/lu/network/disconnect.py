"""Disconnect a network from a node group: ``gnt-network disconnect``.

Source: gnt-network(8) DISCONNECT; hooks path ``network-disconnect``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.network.connecting import check_nics, connection_hooks
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Change
from pyganeti.model.group import NodeGroup
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkDisconnect


@dataclass(frozen=True, slots=True)
class NetworkDisconnectPlan:
    """The connection to be removed; ``None`` for one that is not there."""

    network: Network
    group: NodeGroup
    params: Mapping[str, object] | None


class LUNetworkDisconnect(LogicalUnit[OpNetworkDisconnect, NetworkDisconnectPlan, None]):
    """Disconnect a network that no instance of the group is in."""

    hooks_path: ClassVar[str] = "network-disconnect"

    def declare_locks(self, op: OpNetworkDisconnect, view: ClusterView) -> LockRequest:
        """Lock the group; its instances shared, so that none comes into the network."""
        group, network = view.group(op.group_name), view.network(op.network_name)
        instances = view.instances_of_group(group.uuid)
        return LockRequest(
            groups=frozenset({group.uuid}),
            shared_networks=frozenset({network.uuid}),
            shared_instances=frozenset(instance.name for instance in instances),
        )

    async def check_prereq(
        self, op: OpNetworkDisconnect, view: ClusterView, nodes: NodeReader
    ) -> NetworkDisconnectPlan:
        """Refuse a network that is in use there.

        Raises:
            OpPrereqError: ``ECode.STATE``; names the instances.
        """
        group, network = view.group(op.group_name), view.network(op.network_name)
        plan = NetworkDisconnectPlan(network, group, group.networks.get(network.uuid))
        _check_unused(plan, view)
        return plan

    def hooks(self, plan: NetworkDisconnectPlan, view: ClusterView) -> HookContext:
        """On the members of the group."""
        return connection_hooks(plan.network, plan.group, plan.params or {}, view)

    def outline(self, plan: NetworkDisconnectPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan.params is None:
            return []
        return [f"disconnect network {plan.network.name} from group {plan.group.name}"]

    async def execute(self, run: Run, plan: NetworkDisconnectPlan) -> None:
        """Remove the connection."""
        network, group = plan.network, plan.group
        if plan.params is None:
            text = f"network {network.name} is not connected to group {group.name}"
            run.log(f"Warning: {text}, nothing is changed")
            return

        def disconnect(view: ClusterView) -> Change:
            _check_unused(plan, view)
            rest = {uuid: how for uuid, how in group.networks.items() if uuid != network.uuid}
            return Change(puts=(msgspec.structs.replace(group, networks=rest),))

        async with run.step("remove connection", restoration(group)):
            await run.config.commit(disconnect)


def _check_unused(plan: NetworkDisconnectPlan, view: ClusterView) -> None:
    why = f"network {plan.network.name} is in use in group {plan.group.name}, by"
    if plan.params is not None:
        check_nics(plan.group, view, lambda nic: nic.network == plan.network.uuid, why)
