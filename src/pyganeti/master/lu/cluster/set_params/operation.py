"""Change the cluster's settings: ``gnt-cluster modify``.

    opcode -> checks -> the settings of before with what is new -> record

Source: gnt-cluster(8) MODIFY; hooks path ``cluster-modify``.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import msgspec

from pyganeti.master import communication
from pyganeti.master.candidate_pool import Recruit, pool_without, promotion, recruits
from pyganeti.master.changes import together
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.cluster.address import move_address
from pyganeti.master.lu.cluster.policy_warnings import policy_warnings
from pyganeti.master.nodes import NodeReader
from pyganeti.master.ssh_logins import following_logins
from pyganeti.model.change import Change
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams

from .address import ADDRESS, address_fields
from .checks import check_drbd_helper, check_in_use, check_state_disks
from .oses import check_osparams
from .settings import BUILT, changed
from .storage import (
    check_volume_group,
)


@dataclass(frozen=True, slots=True)
class SetParamsPlan:
    """The request, which is applied to the newest settings, and who fills a larger pool."""

    op: OpClusterSetParams
    recruits: tuple[Recruit, ...]


class LUClusterSetParams(LogicalUnit[OpClusterSetParams, SetParamsPlan, None]):
    """Change settings; those that are not built yet refuse."""

    hooks_path: ClassVar[str] = "cluster-modify"

    def declare_locks(self, op: OpClusterSetParams, view: ClusterView) -> LockRequest:
        """The master, where its address moves; all nodes shared, where some may be promoted."""
        moved = any(getattr(op, name) is not None for name in ADDRESS)
        promotes = op.candidate_pool_size is not None
        # They all get connected to the network.
        groups = frozenset({ALL} if op.instance_communication_network else ())
        return LockRequest(
            nodes=frozenset({view.cluster.master_node} if moved else ()),
            shared_nodes=frozenset({ALL} if promotes else ()),
            groups=groups,
        )

    async def check_prereq(
        self, op: OpClusterSetParams, view: ClusterView, nodes: NodeReader
    ) -> SetParamsPlan:
        """Refuse what is wrong or not built yet.

        Raises:
            OpPrereqError: names the parameter.
        """
        for field in msgspec.structs.fields(type(op)):
            name = field.name
            if name in BUILT or getattr(op, name) is None:
                continue
            raise OpPrereqError(f"changing {name} is not built yet", ECode.STATE)
        check_in_use(op, view)
        await check_drbd_helper(op, view, nodes)
        await check_volume_group(op, view, nodes)
        await check_osparams(op, view, changed(view.cluster, op), nodes)
        address_fields(op, view.cluster)
        check_state_disks(view, changed(view.cluster, op))
        communication.check_network(op.instance_communication_network, view)
        return SetParamsPlan(op, await _recruits(op, view, nodes))

    def hooks(self, plan: SetParamsPlan, view: ClusterView) -> HookContext:
        """On the master, before and after."""
        name, master = view.cluster.cluster_name, (view.cluster.master_node,)
        env = {"OP_TARGET": name, "NEW_VG_NAME": plan.op.vg_name or ""}
        return HookContext("CLUSTER", name, env, pre=master, post=master)

    def outline(self, plan: SetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        before, after = view.cluster, changed(view.cluster, plan.op)
        after = msgspec.structs.replace(after, **address_fields(plan.op, before))
        names = [
            name
            for name in before.__struct_fields__
            if getattr(before, name) != getattr(after, name)
        ]
        promoted = (f"make node {one.node.name} a master candidate" for one in plan.recruits)
        return [*(f"set {name}" for name in names), *promoted]

    async def execute(self, run: Run, plan: SetParamsPlan) -> None:
        """Record the settings."""

        def change(view: ClusterView) -> Change:
            cluster = changed(view.cluster, plan.op)
            return Change() if cluster == view.cluster else Change(puts=(cluster,))

        network = plan.op.instance_communication_network
        connect = (partial(communication.enabled, name=network, ids=run.ids),) if network else ()
        before = run.config.view
        for line in policy_warnings(before, changed(before.cluster, plan.op)):
            run.log(line)
        address = address_fields(plan.op, before.cluster)
        if address:
            await move_address(run, address)
        following = following_logins(run) if plan.recruits else nullcontext()
        async with following, run.step("record settings"):
            await run.config.commit(together(change, *connect, *map(promotion, plan.recruits)))
        for recruit in plan.recruits:
            run.log(f"Node {recruit.node.name} becomes a master candidate")


async def _recruits(
    op: OpClusterSetParams, view: ClusterView, nodes: NodeReader
) -> tuple[Recruit, ...]:
    """Who becomes a candidate since more are wanted; none is demoted for fewer, as in Ganeti."""
    if op.candidate_pool_size is None:
        return ()
    missing = pool_without(view, size=op.candidate_pool_size).missing
    return tuple(await recruits(view, nodes, "", missing))
