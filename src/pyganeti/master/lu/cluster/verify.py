"""Check everything: ``gnt-cluster verify``.

Submits one job for the configuration and one for each node group. Source: gnt-cluster(8) VERIFY.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterVerify, OpClusterVerifyConfig, OpClusterVerifyGroup


@dataclass(frozen=True, slots=True)
class VerifyPlan:
    """The jobs to submit, in order."""

    jobs: tuple[tuple[Opcode, ...], ...]


class LUClusterVerify(LogicalUnit[OpClusterVerify, VerifyPlan, dict[str, Any]]):
    """Submit the checks; the result names the jobs. Any: ``{"jobs": [[ok, id], ...]}``."""

    def declare_locks(self, op: OpClusterVerify, view: ClusterView) -> LockRequest:
        """Nothing: the jobs lock what they read."""
        return LockRequest()

    async def check_prereq(
        self, op: OpClusterVerify, view: ClusterView, nodes: NodeReader
    ) -> VerifyPlan:
        """Decide the jobs.

        Raises:
            OpPrereqError: there is no such group.
        """
        common = {
            "debug_simulate_errors": op.debug_simulate_errors,
            "error_codes": op.error_codes,
            "ignore_errors": op.ignore_errors,
            "verbose": op.verbose,
            "priority": op.priority,
        }
        groups = [view.group(op.group_name)] if op.group_name else view.all_groups()
        jobs: list[tuple[Opcode, ...]] = []
        depends: list[list[object]] | None = None
        if op.group_name is None:
            jobs.append((msgspec.convert(common, OpClusterVerifyConfig),))
        for group in groups:
            if jobs:
                depends = [[-len(jobs), []]]
            own = {
                **common,
                "group_name": group.name,
                "skip_checks": op.skip_checks,
                "verify_clutter": op.verify_clutter,
                "depends": depends if op.group_name is None else None,
            }
            jobs.append((msgspec.convert(own, OpClusterVerifyGroup),))
        return VerifyPlan(tuple(jobs))

    def outline(self, plan: VerifyPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {op.summary()}" for ops in plan.jobs for op in ops]

    async def execute(self, run: Run, plan: VerifyPlan) -> dict[str, Any]:
        """Submit them."""
        async with run.step("submit jobs"):
            return {"jobs": await run.submit(plan.jobs)}
