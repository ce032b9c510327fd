"""Wait: ``gnt-debug delay``. Source: gnt-debug(8) DELAY."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import LogType
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
    interruptible: bool = False


class LUTestDelay(LogicalUnit[OpTestDelay, DelayPlan, None]):
    """Let time pass on the master and on nodes."""

    rest_type: ClassVar[type[msgspec.Struct]] = DelayPlan

    def declare_locks(self, op: OpTestDelay, view: ClusterView) -> LockRequest:
        """The nodes and, where it waits there, the master; unless asked not to."""
        if op.no_locks:
            return LockRequest()
        master = {view.cluster.master_node} if op.on_master else set()
        return LockRequest(nodes=frozenset({*_wanted(op, view), *master}))

    async def check_prereq(
        self, op: OpTestDelay, view: ClusterView, nodes: NodeReader
    ) -> DelayPlan:
        """Refuse what cannot be.

        Raises:
            OpPrereqError: a negative duration.
        """
        if op.duration < 0:
            raise OpPrereqError(f"duration {op.duration} is negative", ECode.INVAL)
        on = tuple(_wanted(op, view))
        return DelayPlan(op.duration, op.on_master, on, max(1, op.repeat), op.interruptible)

    def outline(self, plan: DelayPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan.interruptible:
            text = f"wait {plan.duration:g} s on the master, or until a program connects"
            return [text] * plan.times
        where = ["the master"] if plan.on_master else []
        where += [view.node(node).name for node in plan.nodes]
        return [
            f"wait {plan.duration:g} s on {place}" for place in where for _ in range(plan.times)
        ]

    async def execute(self, run: Run, plan: DelayPlan) -> None:
        """Wait; for a program to connect, if that may interrupt it."""
        if plan.interruptible:
            await self._until_told(run, plan)
            return
        for left in reversed(range(plan.times)):
            if plan.on_master and plan.duration:
                await run.clock.sleep(plan.duration)
            if plan.nodes:
                call = TestDelayCall(duration=plan.duration)
                rest = msgspec.structs.replace(plan, times=left)
                await run.await_tasks("wait on nodes", dict.fromkeys(plan.nodes, call), rest)

    @staticmethod
    async def _until_told(run: Run, plan: DelayPlan) -> None:
        """Wait on the master, until somebody connects to a socket; nodes are not called."""
        for _ in range(plan.times):
            async with run.signals.bell(LogType.DELAY_TEST) as bell:
                begun = run.clock.now()
                try:
                    async with asyncio.timeout(plan.duration):
                        await bell.rung()
                except TimeoutError:
                    continue
            run.log(f"interrupted after {run.clock.now() - begun:.1f} s")
            return

    async def resume(self, run: Run, rest: DelayPlan, answers: Mapping[str, Any]) -> None:
        """Wait as often as is left."""
        await self.execute(run, rest)


def _wanted(op: OpTestDelay, view: ClusterView) -> list[str]:
    """UUIDs of the nodes to wait on."""
    return [view.node(name).uuid for name in op.on_nodes or op.on_node_uuids or ()]
