"""Change a network: ``gnt-network modify``, ``PUT /2/networks/[name]/modify``.

Source: gnt-network(8) MODIFY; hooks path ``network-modify``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.network.settings import changed_network
from pyganeti.master.network_env import network_env
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import restoration
from pyganeti.model.change import Change
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkSetParams

# What instances take and give back without the network's lock.
TAKEN_BY_INSTANCES = ("reservations",)
_GIVEN = (
    "gateway",
    "network6",
    "gateway6",
    "mac_prefix",
    "add_reserved_ips",
    "remove_reserved_ips",
)


@dataclass(frozen=True, slots=True)
class NetworkSetParamsPlan:
    """The network before and after, as far as is known yet, and what the log says of it."""

    op: OpNetworkSetParams
    before: Network
    after: Network
    lines: Sequence[str]


class LUNetworkSetParams(LogicalUnit[OpNetworkSetParams, NetworkSetParamsPlan, None]):
    """Change gateways, IPv6 network, MAC prefix and reserved addresses; the subnet stays."""

    hooks_path: ClassVar[str] = "network-modify"

    def declare_locks(self, op: OpNetworkSetParams, view: ClusterView) -> LockRequest:
        """Lock the network."""
        return LockRequest(networks=frozenset({view.network(op.network_name).uuid}))

    async def check_prereq(
        self, op: OpNetworkSetParams, view: ClusterView, nodes: NodeReader
    ) -> NetworkSetParamsPlan:
        """Refuse what does not go together, or is taken.

        Raises:
            OpPrereqError: says what.
        """
        if all(getattr(op, name) is None for name in _GIVEN):
            text = f"nothing is to be changed: give one of {', '.join(_GIVEN)}"
            raise OpPrereqError(text, ECode.INVAL)
        before = view.network(op.network_name)
        return NetworkSetParamsPlan(op, before, *changed_network(before, op, view))

    def hooks(self, plan: NetworkSetParamsPlan, view: ClusterView) -> HookContext:
        """On the master, with the new values."""
        name, master = plan.before.name, (view.cluster.master_node,)
        return HookContext("NETWORK", name, network_env(plan.after), pre=master, post=master)

    def outline(self, plan: NetworkSetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        fields = ("gateway", "network6", "gateway6", "mac_prefix", "ext_reservations")
        names = (one for one in fields if getattr(plan.before, one) != getattr(plan.after, one))
        return [f"set {name}" for name in names]

    async def execute(self, run: Run, plan: NetworkSetParamsPlan) -> None:
        """Record it, by what instances have then."""
        uuid = plan.before.uuid

        def change(view: ClusterView) -> Change:
            before = view.network(uuid)
            after, _ = changed_network(before, plan.op, view)
            return Change() if after == before else Change(puts=(after,))

        for line in plan.lines:
            run.log(line)
        back = restoration(plan.before, but=TAKEN_BY_INSTANCES)
        async with run.step("record settings", back):
            await run.config.commit(change)
