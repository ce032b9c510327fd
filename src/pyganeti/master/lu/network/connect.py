"""Connect a network to a node group: ``gnt-network connect``, ``PUT /2/networks/[name]/connect``.

Source: gnt-network(8) CONNECT; hooks path ``network-connect``.
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
from pyganeti.model.address_pool import lies_in
from pyganeti.model.change import Change
from pyganeti.model.group import NodeGroup
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.params.nic import check_complete_nicparams, check_nicparams, fill_nicparams
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkConnect


@dataclass(frozen=True, slots=True)
class NetworkConnectPlan:
    """Which NIC parameters NICs in the network get in the group."""

    op: OpNetworkConnect
    network: Network
    group: NodeGroup
    params: Mapping[str, object]


class LUNetworkConnect(LogicalUnit[OpNetworkConnect, NetworkConnectPlan, None]):
    """Connect a network; a connection that is there stays as it is."""

    hooks_path: ClassVar[str] = "network-connect"

    def declare_locks(self, op: OpNetworkConnect, view: ClusterView) -> LockRequest:
        """Lock the group; network and instances shared, so that their addresses stay."""
        group, network = view.group(op.group_name), view.network(op.network_name)
        instances = view.instances_of_group(group.uuid) if op.conflicts_check else ()
        return LockRequest(
            groups=frozenset({group.uuid}),
            shared_networks=frozenset({network.uuid}),
            shared_instances=frozenset(instance.name for instance in instances),
        )

    async def check_prereq(
        self, op: OpNetworkConnect, view: ClusterView, nodes: NodeReader
    ) -> NetworkConnectPlan:
        """Refuse parameters that contradict, and addresses that are in use outside the network.

        Raises:
            ParameterError, OpPrereqError: says what.
        """
        group, network = view.group(op.group_name), view.network(op.network_name)
        given = {"mode": op.network_mode, "link": op.network_link, "vlan": op.network_vlan}
        params = check_nicparams(given)
        check_complete_nicparams(fill_nicparams({}, params))
        plan = NetworkConnectPlan(op, network, group, params)
        _check_conflicts(plan, view)
        return plan

    def hooks(self, plan: NetworkConnectPlan, view: ClusterView) -> HookContext:
        """On the members of the group."""
        return connection_hooks(plan.network, plan.group, plan.params, view)

    def outline(self, plan: NetworkConnectPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if _is_connected(plan, view):
            return []
        how = ", ".join(f"{name}={value}" for name, value in plan.params.items() if value)
        return [f"connect network {plan.network.name} to group {plan.group.name} ({how})"]

    async def execute(self, run: Run, plan: NetworkConnectPlan) -> None:
        """Record the connection."""
        network, group = plan.network, plan.group
        if _is_connected(plan, run.config.view):
            text = f"network {network.name} is connected to group {group.name} already"
            run.log(f"Warning: {text}, nothing is changed; disconnect it to connect it otherwise")
            return

        def connect(view: ClusterView) -> Change:
            _check_conflicts(plan, view)
            networks = {**group.networks, network.uuid: plan.params}
            return Change(puts=(msgspec.structs.replace(group, networks=networks),))

        async with run.step("record connection", restoration(group)):
            await run.config.commit(connect)


def _is_connected(plan: NetworkConnectPlan, view: ClusterView) -> bool:
    return plan.network.uuid in view.group(plan.group.uuid).networks


def _check_conflicts(plan: NetworkConnectPlan, view: ClusterView) -> None:
    """Refuse if instances of the group have addresses of the network, and are not in it.

    Raises:
        OpPrereqError: ``ECode.STATE``.
    """
    network = plan.network

    def is_in_the_way(nic: Nic) -> bool:
        return nic.network != network.uuid and nic.ip is not None and lies_in(network, nic.ip)

    if plan.op.conflicts_check and not _is_connected(plan, view):
        why = f"addresses of network {network.name} are in use outside of it, remove or change"
        check_nics(plan.group, view, is_in_the_way, why)
