"""The cluster's beginning and end: hooks after ``gnt-cluster init``, and ``gnt-cluster destroy``.

Source: gnt-cluster(8) INIT, DESTROY; hooks paths ``cluster-init`` and ``cluster-destroy``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.etc_hosts import HostsEntry, missing_entry, outline_of, write_entry
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.master_ip import deactivate_call
from pyganeti.master.nodes import NodeReader
from pyganeti.master.open_vswitch import make_switch
from pyganeti.master.ssh_logins import bring_logins
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterDestroy, OpClusterPostInit
from pyganeti.wire.noderpc.node import NodeDeactivateMasterIpCall


def _on_master(view: ClusterView) -> HookContext:
    name = view.cluster.cluster_name
    return HookContext("CLUSTER", name, {"OP_TARGET": name}, post=(view.cluster.master_node,))


@dataclass(frozen=True, slots=True)
class PostInitPlan:
    """What the master's hosts file lacks to know the master itself."""

    hosts: HostsEntry | None


class LUClusterPostInit(LogicalUnit[OpClusterPostInit, PostInitPlan, bool]):
    """What a new cluster's daemons can do themselves: hosts file, switch, and the hooks."""

    hooks_path: ClassVar[str] = "cluster-init"

    def declare_locks(self, op: OpClusterPostInit, view: ClusterView) -> LockRequest:
        """The whole cluster."""
        return LockRequest(cluster=True)

    async def check_prereq(
        self, op: OpClusterPostInit, view: ClusterView, nodes: NodeReader
    ) -> PostInitPlan:
        """Nothing can be refused."""
        master = view.master_node
        return PostInitPlan(await missing_entry(view, nodes, master.name, master.primary_ip))

    def hooks(self, plan: PostInitPlan, view: ClusterView) -> HookContext:
        """Afterwards, on the master."""
        return _on_master(view)

    def outline(self, plan: PostInitPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return outline_of(plan.hosts, view)

    async def execute(self, run: Run, plan: PostInitPlan) -> bool:
        """Write the hosts file, make the master's switch if there is to be one, and its ssh key."""
        await write_entry(run, plan.hosts)
        await make_switch(run, run.config.view.master_node)
        await bring_logins(run)
        return True


@dataclass(frozen=True, slots=True)
class DestroyPlan:
    """The master's UUID, which is the result, and what takes its address away."""

    master: str
    deactivate: NodeDeactivateMasterIpCall


class LUClusterDestroy(LogicalUnit[OpClusterDestroy, DestroyPlan, str]):
    """Check that nothing is left, run the hooks, give up the cluster's address.

    The command then ends the daemons and removes the files. The master stays in its hosts file.
    """

    hooks_path: ClassVar[str] = "cluster-destroy"

    def declare_locks(self, op: OpClusterDestroy, view: ClusterView) -> LockRequest:
        """The whole cluster."""
        return LockRequest(cluster=True)

    async def check_prereq(
        self, op: OpClusterDestroy, view: ClusterView, nodes: NodeReader
    ) -> DestroyPlan:
        """Refuse while there are instances or other nodes.

        Raises:
            OpPrereqError: ``ECode.INVAL``.
        """
        others = [node.name for node in view.all_nodes() if not view.is_master(node)]
        if others:
            text = f"there are still {len(others)} other node(s) in this cluster"
            raise OpPrereqError(text, ECode.INVAL)
        if view.instances:
            text = f"there are still {len(view.instances)} instance(s) in this cluster"
            raise OpPrereqError(text, ECode.INVAL)
        return DestroyPlan(view.cluster.master_node, deactivate_call(view.cluster))

    def hooks(self, plan: DestroyPlan, view: ClusterView) -> HookContext:
        """Afterwards, on the master."""
        return _on_master(view)

    def outline(self, plan: DestroyPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"deactivate the address of cluster {view.cluster.cluster_name}"]

    async def execute(self, run: Run, plan: DestroyPlan) -> str:
        """Take the address away; the answer is the master's UUID."""
        # No undo: masterd ends next, and a cluster that goes on brings it up at its next start.
        async with run.step("deactivate master address"):
            try:
                await run.nodes.call(plan.master, plan.deactivate)
            except GenericError as err:
                run.log(f"Warning: the cluster's address could not be deactivated: {err}")
        return plan.master
