"""Wait: ``gnt-debug delay``. Source: gnt-debug(8) DELAY."""

from dataclasses import dataclass

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run, undo
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.wire.noderpc.node import TestDelayCall


@dataclass(frozen=True, slots=True)
class DelayPlan:
    """How long, where (node UUIDs), and how often."""

    duration: float
    on_master: bool
    nodes: tuple[str, ...]
    times: int


class LUTestDelay(LogicalUnit[OpTestDelay, DelayPlan, None]):
    """Let time pass on the master and on nodes."""

    def declare_locks(self, op: OpTestDelay, view: ClusterView) -> LockRequest:
        """The nodes, unless asked not to."""
        nodes = frozenset(view.node(name).uuid for name in op.on_nodes)
        return LockRequest() if op.no_locks else LockRequest(nodes=nodes)

    async def check_prereq(
        self, op: OpTestDelay, view: ClusterView, nodes: NodeReader
    ) -> DelayPlan:
        """Refuse what is not built.

        Raises:
            OpPrereqError: an interruptible delay, or a negative duration.
        """
        if op.interruptible:
            raise OpPrereqError("interruptible=True is not built yet", ECode.STATE)
        if op.duration < 0:
            raise OpPrereqError(f"duration {op.duration} is negative", ECode.INVAL)
        on = tuple(view.node(name).uuid for name in op.on_nodes)
        return DelayPlan(op.duration, op.on_master, on, max(1, op.repeat))

    async def execute(self, run: Run, plan: DelayPlan) -> None:
        """Wait."""
        for _ in range(plan.times):
            if plan.on_master and plan.duration:
                await run.clock.sleep(plan.duration)
            if plan.nodes:
                back = undo("node.end_tasks", nodes=list(plan.nodes))
                async with run.step("wait on nodes", back):
                    await self._on_nodes(run, plan)

    @staticmethod
    async def _on_nodes(run: Run, plan: DelayPlan) -> None:
        call = TestDelayCall(duration=plan.duration)
        for node, answer in (await run.nodes.call_all(plan.nodes, call)).items():
            if isinstance(answer, GenericError):
                name = run.config.view.node(node).name
                raise OpExecError(f"delay on node {name} failed: {answer}")
