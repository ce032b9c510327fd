"""Answer, say, submit or fail as told: for tests of the queue, from a file of opcodes.

In Ganeti only its own tests can run this opcode. Source: its parameters.
"""

from dataclasses import dataclass
from typing import Any

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpExecError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import decode
from pyganeti.opcodes.test import OpTestDummy


@dataclass(frozen=True, slots=True)
class DummyPlan:
    """What it was told to do, in this order, and to answer."""

    messages: tuple[str, ...]
    jobs: tuple[tuple[Opcode, ...], ...]
    fail: str
    result: Any  # Any: the caller says what


class LUTestDummy(LogicalUnit[OpTestDummy, DummyPlan, Any]):  # Any: see DummyPlan
    """Do as told."""

    def declare_locks(self, op: OpTestDummy, view: ClusterView) -> LockRequest:
        """Nothing."""
        return LockRequest()

    async def check_prereq(
        self, op: OpTestDummy, view: ClusterView, nodes: NodeReader
    ) -> DummyPlan:
        """Refuse what cannot be said or submitted.

        Raises:
            OpPrereqError: messages that are no list of texts, jobs that are no lists of opcodes.
        """
        messages = op.messages or []
        if not isinstance(messages, list) or not all(isinstance(text, str) for text in messages):
            raise OpPrereqError(f"messages is {messages!r}, expected a list of texts", ECode.INVAL)
        jobs = op.submit_jobs or []
        if not isinstance(jobs, list) or not all(isinstance(job, list) and job for job in jobs):
            raise OpPrereqError("submit_jobs: expected a list of lists of opcodes", ECode.INVAL)
        decoded = tuple(tuple(decode(one) for one in job) for job in jobs)
        return DummyPlan(tuple(messages), decoded, str(op.fail or ""), op.result)

    async def execute(self, run: Run, plan: DummyPlan) -> Any:  # Any: see DummyPlan
        """Say the messages, submit the jobs, fail or answer.

        Raises:
            OpExecError: that was wanted, or a job was refused.
        """
        for message in plan.messages:
            run.log(message)
        for accepted, job in await run.submit(plan.jobs) if plan.jobs else ():
            if not accepted:
                raise OpExecError(f"a job was refused: {job}")
            run.log(f"submitted job {job}")
        if plan.fail:
            raise OpExecError(f"this opcode was to fail: {plan.fail}")
        return plan.result
