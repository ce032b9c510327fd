"""Run a command that nodes' administrators have allowed: ``gnt-node restricted-command``.

Source: gnt-node(8) RESTRICTED-COMMAND.
"""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpRestrictedCommand
from pyganeti.wire.noderpc.power import RestrictedCommandCall


@dataclass(frozen=True, slots=True)
class RestrictedPlan:
    """What is run where, in the order given."""

    nodes: tuple[Node, ...]
    command: str


class LURestrictedCommand(LogicalUnit[OpRestrictedCommand, RestrictedPlan, list[tuple[bool, str]]]):
    """Run it on all nodes at once. What it does is its own affair, nothing undoes it."""

    def declare_locks(self, op: OpRestrictedCommand, view: ClusterView) -> LockRequest:
        """The nodes; shared, unless it was asked that nobody works there meanwhile."""
        chosen = frozenset(view.node(name).uuid for name in op.nodes)
        return LockRequest(nodes=chosen) if op.use_locking else LockRequest(shared_nodes=chosen)

    async def check_prereq(
        self, op: OpRestrictedCommand, view: ClusterView, nodes: NodeReader
    ) -> RestrictedPlan:
        """Refuse unknown nodes; each node decides by itself what it runs.

        Raises:
            OpPrereqError: no node, or an unknown one.
        """
        if not op.nodes:
            raise OpPrereqError("name the nodes on which it is to be run", ECode.INVAL)
        return RestrictedPlan(tuple(view.node(name) for name in op.nodes), op.command)

    def outline(self, plan: RestrictedPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"run restricted command {plan.command!r} on {node.name}" for node in plan.nodes]

    async def execute(self, run: Run, plan: RestrictedPlan) -> list[tuple[bool, str]]:
        """For each node whether it succeeded, and its output or why not."""
        async with run.step("run restricted command"):
            answers = await run.nodes.call_all(
                [node.uuid for node in plan.nodes], RestrictedCommandCall(cmd=plan.command)
            )
        return [
            (False, f"command {plan.command!r} on node {node.name} failed: {answer}")
            if isinstance(answer, GenericError)
            else (True, answer)
            for node, answer in ((node, answers[node.uuid]) for node in plan.nodes)
        ]
