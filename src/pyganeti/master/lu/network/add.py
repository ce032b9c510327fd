"""Create a network: ``gnt-network add``, ``POST /2/networks``.

Source: gnt-network(8) ADD; hooks path ``network-add``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.network.settings import new_network
from pyganeti.master.naming import check_free, check_new_name
from pyganeti.master.network_env import network_env
from pyganeti.master.nodes import NodeReader
from pyganeti.master.undo.objects import removal
from pyganeti.model.change import Change, Kind
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.network import OpNetworkAdd


@dataclass(frozen=True, slots=True)
class NetworkAddPlan:
    """The network to be recorded, which has no UUID yet, and what the log says of it."""

    network: Network
    lines: Sequence[str]


class LUNetworkAdd(LogicalUnit[OpNetworkAdd, NetworkAddPlan, None]):
    """Record a network that no group is connected to."""

    hooks_path: ClassVar[str] = "network-add"

    def declare_locks(self, op: OpNetworkAdd, view: ClusterView) -> LockRequest:
        """Nothing: who records a name first has it."""
        return LockRequest()

    async def check_prereq(
        self, op: OpNetworkAdd, view: ClusterView, nodes: NodeReader
    ) -> NetworkAddPlan:
        """Refuse a name that is taken, and addresses that do not go together.

        Raises:
            OpPrereqError, TagError: says what is wrong.
        """
        check_new_name(Kind.NETWORK, op.network_name, view)
        return NetworkAddPlan(*new_network(op, view))

    def hooks(self, plan: NetworkAddPlan, view: ClusterView) -> HookContext:
        """On the master; the UUID is known afterwards only."""
        name, master = plan.network.name, (view.cluster.master_node,)
        env = network_env(view.find_network(name) or plan.network)
        return HookContext("NETWORK", name, env, pre=master, post=master)

    def outline(self, plan: NetworkAddPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"add network {plan.network.name} ({plan.network.network})"]

    async def execute(self, run: Run, plan: NetworkAddPlan) -> None:
        """Record it."""
        network = msgspec.structs.replace(plan.network, uuid=run.ids.uuid())

        def add(view: ClusterView) -> Change:
            check_free(Kind.NETWORK, network.name, view)
            return Change(puts=(network,))

        for line in plan.lines:
            run.log(line)
        async with run.step("record network", removal(network)):
            await run.config.commit(add)
