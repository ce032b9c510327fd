"""Wait: ``gnt-debug delay``. Source: gnt-debug(8) DELAY."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.wire.noderpc.node import TestDelayCall


class DelayPlan(msgspec.Struct, frozen=True):
    """How long, where (node UUIDs), and how often."""

    duration: float
    on_master: bool
    nodes: tuple[str, ...]
    times: int


class LUTestDelay(LogicalUnit[OpTestDelay, DelayPlan, None]):
    """Let time pass on the master and on nodes."""

    rest_type: ClassVar[type[msgspec.Struct]] = DelayPlan

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

    def outline(self, plan: DelayPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        where = ["the master"] if plan.on_master else []
        where += [view.node(node).name for node in plan.nodes]
        return [
            f"wait {plan.duration:g} s on {place}" for place in where for _ in range(plan.times)
        ]

    async def execute(self, run: Run, plan: DelayPlan) -> None:
        """Wait."""
        for left in reversed(range(plan.times)):
            if plan.on_master and plan.duration:
                await run.clock.sleep(plan.duration)
            if plan.nodes:
                call = TestDelayCall(duration=plan.duration)
                rest = msgspec.structs.replace(plan, times=left)
                await run.await_tasks("wait on nodes", dict.fromkeys(plan.nodes, call), rest)

    async def resume(self, run: Run, rest: DelayPlan, answers: Mapping[str, Any]) -> None:
        """Wait as often as is left."""
        await self.execute(run, rest)
