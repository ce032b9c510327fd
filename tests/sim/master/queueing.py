"""What tests of the queue do with jobs."""

from typing import Any

from pyganeti.master.luxi import LuxiMethods
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op

SHORT, LONG = OpTestDelay(duration=1.0), OpTestDelay(duration=1000.0)
# What waits for a node goes on when there is another master.
RESUMED = OpTestDelay(duration=1000.0, on_master=False, on_nodes=("node2",))


def delay(duration: float = 1.0, **common: Any) -> OpTestDelay:  # Any: opcode parameters
    """An opcode that takes so long, with common parameters."""
    return make_op(OpTestDelay, duration=duration, **common)


async def luxi(cluster: SimCluster) -> LuxiMethods:
    """The master's methods."""
    return LuxiMethods(await cluster.master())


async def status(cluster: SimCluster, job_id: int) -> str:
    """State of a job, as clients see it."""
    ((found,),) = await (await luxi(cluster)).handle("QueryJobs", [[job_id], ["status"]])
    return str(found)


async def states(cluster: SimCluster, jobs: list[int]) -> list[str]:
    """States of jobs."""
    rows = await (await luxi(cluster)).handle("QueryJobs", [jobs, ["status"]])
    return [str(found) for (found,) in rows]


async def limited(jobs: int = 1) -> SimCluster:
    """A cluster that runs so many jobs at once; job 1 has said so."""
    cluster = SimCluster()
    await cluster.run(OpClusterSetParams(max_running_jobs=jobs))
    return cluster


async def add_filter(
    cluster: SimCluster,
    action: object,
    *predicates: list[Any],
    priority: int = 0,
    uuid: str | None = None,
    reason: str = "maintenance",
) -> str:
    """Make a job filter through LUXI; its UUID."""
    trail = [["gnt:user", reason, 17]]
    args = [uuid, priority, list(predicates), action, trail]
    return str(await (await luxi(cluster)).handle("ReplaceFilter", args))


async def settled(cluster: SimCluster) -> None:
    """Let the master do what it does soon."""
    await cluster.clock.sleep(0.2)
