"""Migrate all primary instances of a node: ``gnt-node migrate``, ``POST /2/nodes/[name]/migrate``.

Submits a job for each. Source: gnt-node(8) MIGRATE; hooks path ``node-migrate``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceMigrate
from pyganeti.opcodes.node import OpNodeMigrate


@dataclass(frozen=True, slots=True)
class NodeMigratePlan:
    """What is to be migrated from where, in order."""

    node: Node
    migrations: tuple[OpInstanceMigrate, ...]
    allow_runtime_changes: bool


class LUNodeMigrate(LogicalUnit[OpNodeMigrate, NodeMigratePlan, dict[str, Any]]):
    """Submit a migration for each primary instance.

    Any: ``{"jobs": [[ok, id], ...]}``.
    """

    hooks_path: ClassVar[str] = "node-migrate"

    def declare_locks(self, op: OpNodeMigrate, view: ClusterView) -> LockRequest:
        """The node, shared: the jobs lock what they need."""
        return LockRequest(shared_nodes=frozenset({view.node(op.node_name).uuid}))

    async def check_prereq(
        self, op: OpNodeMigrate, view: ClusterView, nodes: NodeReader
    ) -> NodeMigratePlan:
        """Decide the jobs; each finds out by itself whether its instance can go.

        Raises:
            OpPrereqError: there is no such node.
        """
        node = view.node(op.node_name)
        if op.target_node is not None:
            view.node(op.target_node)
        common = {
            "mode": op.mode,
            "live": op.live,
            "target_node": op.target_node,
            "allow_runtime_changes": op.allow_runtime_changes,
            "ignore_ipolicy": op.ignore_ipolicy,
            "priority": op.priority,
        }
        migrations = tuple(
            msgspec.convert(
                {**common, "instance_name": instance.name, **_chosen(op, view, instance)},
                OpInstanceMigrate,
            )
            for instance in view.primary_instances(node.uuid)
            if not instance.forthcoming
        )
        return NodeMigratePlan(node, migrations, op.allow_runtime_changes)

    def hooks(self, plan: NodeMigratePlan, view: ClusterView) -> HookContext:
        """On the master."""
        env = {
            "OP_TARGET": plan.node.name,
            "NODE_NAME": plan.node.name,
            "ALLOW_RUNTIME_CHANGES": str(plan.allow_runtime_changes),
        }
        master = (view.cluster.master_node,)
        return HookContext("NODE", plan.node.name, env, pre=master, post=master)

    def outline(self, plan: NodeMigratePlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {one.summary()}" for one in plan.migrations]

    async def execute(self, run: Run, plan: NodeMigratePlan) -> dict[str, Any]:
        """Submit them."""
        async with run.step("submit jobs"):
            return {"jobs": await run.submit([[one] for one in plan.migrations])}


def _chosen(op: OpNodeMigrate, view: ClusterView, instance: Instance) -> dict[str, Any]:
    """How the target of an instance is chosen; one that is mirrored has a target. Any: JSON."""
    if view.disk_template(instance) in INTERNALLY_MIRRORED:
        return {}
    return {"iallocator": op.iallocator}
