"""Send configuration and files to all nodes again: ``gnt-cluster redist-conf``."""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.ssh_logins import bring_logins
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterRedistConf


@dataclass(frozen=True, slots=True)
class RedistPlan:
    """Nothing to decide."""


class LUClusterRedistConf(LogicalUnit[OpClusterRedistConf, RedistPlan, None]):
    """Bring every node everything."""

    def declare_locks(self, op: OpClusterRedistConf, view: ClusterView) -> LockRequest:
        """All nodes, shared."""
        return LockRequest(shared_nodes=frozenset({ALL}))

    async def check_prereq(
        self, op: OpClusterRedistConf, view: ClusterView, nodes: NodeReader
    ) -> RedistPlan:
        """Nothing can be refused."""
        return RedistPlan()

    def outline(self, plan: RedistPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [
            f"send {len(view.online_nodes())} nodes the files that follow from the configuration"
        ]

    async def execute(self, run: Run, plan: RedistPlan) -> None:
        """Send; nodes missed are named in the log and tried again by themselves."""
        await distribute_files(run)
        await bring_logins(run)


async def distribute_files(run: Run) -> None:
    """Send all nodes what follows from the configuration, and wait for those that answer."""
    async with run.step("distribute files"):
        missed = await run.distribute()
    for name, why in missed.items():
        run.log(f"Warning: node {name} could not be told: {why}")
