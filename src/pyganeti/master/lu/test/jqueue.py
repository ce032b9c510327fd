"""Tell a client each phase of a job: ``gnt-debug test-jobqueue``.

    log entry with a socket -> the client connects, looks at the job, goes -> the next phase

Source: gnt-debug(8) TEST-JOBQUEUE; log entries of type ``jqueue-test``: socket, phase, argument.
"""

import asyncio
from typing import Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.jobs.signals import Signals
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import LogType
from pyganeti.model.errors import OpExecError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.test import OpTestJqueue

# Ganeti's. The first is shorter than a client waits for news of a job.
CONNECT_S: Final = 20.0
CONFIRM_S: Final = 60.0
MESSAGE_PREFIX: Final = "TESTMSG="


async def notify(signals: Signals, phase: str, argument: object = None) -> None:
    """Tell the client ``phase``, and wait until it has looked.

    Raises:
        OpExecError: it did not come, or did not go again, in time.
    """
    async with signals.bell(LogType.JQUEUE_TEST, phase, argument) as bell:
        try:
            async with asyncio.timeout(CONNECT_S):
                await bell.rung()
        except TimeoutError as err:
            text = f"no client connected within {CONNECT_S:g} s to be told of {phase!r}"
            raise OpExecError(text) from err
        try:
            async with asyncio.timeout(CONFIRM_S):
                await bell.hung_up()
        except TimeoutError as err:
            text = f"the client did not confirm {phase!r} within {CONFIRM_S:g} s"
            raise OpExecError(text) from err


class LUTestJqueue(LogicalUnit[OpTestJqueue, OpTestJqueue, bool]):
    """Let a client see how far a job is; fail where that is wanted."""

    async def begin(self, op: OpTestJqueue, signals: Signals) -> None:
        """Tell that the job waits.

        Raises:
            OpPrereqError: nobody listens.
        """
        if op.notify_waitlock:
            try:
                await notify(signals, "expandnames")
            except OpExecError as err:
                raise OpPrereqError(str(err)) from err

    def declare_locks(self, op: OpTestJqueue, view: ClusterView) -> LockRequest:
        """The master's node: to have a lock at all."""
        return LockRequest(nodes=frozenset({view.cluster.master_node}))

    async def check_prereq(
        self, op: OpTestJqueue, view: ClusterView, nodes: NodeReader
    ) -> OpTestJqueue:
        """Nothing is refused."""
        return op

    async def execute(self, run: Run, plan: OpTestJqueue) -> bool:
        """Tell that the job runs, and each message.

        Raises:
            OpExecError: that was wanted, or nobody listens.
        """
        if plan.notify_exec:
            await notify(run.signals, "exec")
        if plan.log_messages:
            await notify(run.signals, "startmsg", len(plan.log_messages))
        for number, message in enumerate(plan.log_messages, 1):
            run.log(f"{MESSAGE_PREFIX}{message}")
            await notify(run.signals, "logmsg", number)
        if plan.fail:
            raise OpExecError("this opcode was to fail")
        return True
