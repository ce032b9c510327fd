"""The cluster's beginning and end: hooks after ``gnt-cluster init``, and ``gnt-cluster destroy``.

Source: gnt-cluster(8) INIT, DESTROY; hooks paths ``cluster-init`` and ``cluster-destroy``.
"""

from dataclasses import dataclass
from typing import ClassVar

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterDestroy, OpClusterPostInit


def _on_master(view: ClusterView) -> HookContext:
    name = view.cluster.cluster_name
    return HookContext("CLUSTER", name, {"OP_TARGET": name}, post=(view.cluster.master_node,))


@dataclass(frozen=True, slots=True)
class PostInitPlan:
    """Nothing to decide."""


class LUClusterPostInit(LogicalUnit[OpClusterPostInit, PostInitPlan, bool]):
    """Run the hooks of a new cluster."""

    hooks_path: ClassVar[str] = "cluster-init"

    def declare_locks(self, op: OpClusterPostInit, view: ClusterView) -> LockRequest:
        """The whole cluster."""
        return LockRequest(cluster=True)

    async def check_prereq(
        self, op: OpClusterPostInit, view: ClusterView, nodes: NodeReader
    ) -> PostInitPlan:
        """Nothing can be refused."""
        return PostInitPlan()

    def hooks(self, plan: PostInitPlan, view: ClusterView) -> HookContext:
        """Afterwards, on the master."""
        return _on_master(view)

    async def execute(self, run: Run, plan: PostInitPlan) -> bool:
        """Nothing but the hooks."""
        return True


@dataclass(frozen=True, slots=True)
class DestroyPlan:
    """The master's name, which is the result."""

    master: str


class LUClusterDestroy(LogicalUnit[OpClusterDestroy, DestroyPlan, str]):
    """Check that nothing is left and run the hooks; the command then removes the files."""

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
        return DestroyPlan(view.master_node.uuid)

    def hooks(self, plan: DestroyPlan, view: ClusterView) -> HookContext:
        """Afterwards, on the master."""
        return _on_master(view)

    async def execute(self, run: Run, plan: DestroyPlan) -> str:
        """Nothing but the hooks; the answer is the master's UUID."""
        return plan.master
