"""What the master counts of its work: jobs, waits, node calls, replication."""

from typing import Any

import pytest

from pyganeti.daemons.rapi.metrics import measured
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import JobStatus, TagKind
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails
from tests.sim.instance.make import running, stopped
from tests.sim.master.queueing import limited, states, status

NOTHING = (0, 0.0)
START = OpInstanceStartup(instance_name="web1")


async def told(cluster: SimCluster) -> dict[str, Any]:  # Any: JSON
    """The answer, as ganeti-rapi asks for it."""
    answer: dict[str, Any] = await LuxiMethods(await cluster.master()).handle("QueryMeasures", [])
    return answer


async def times(cluster: SimCluster) -> dict[tuple[str, str], tuple[int, float]]:
    """How many there were, and how long they took together, by name and part."""
    return {
        (one["name"], one["of"]): (sum(one["counts"]), one["sum"])
        for one in (await told(cluster))["durations"]
    }


async def test_a_job_that_has_to_wait_for_its_turn() -> None:
    cluster = await limited(1)  # its own job is counted as well
    jobs = [await cluster.submit(OpTestDelay(duration=10.0)) for _ in range(3)]
    await cluster.clock.sleep(100.0)
    assert await states(cluster, jobs) == ["success"] * 3
    found = await times(cluster)
    assert found["job_queue", ""][0] == found["job_run", "success"][0] == 4
    assert found["job_queue", ""][1] == pytest.approx(0 + 10 + 20, abs=1)
    assert found["job_run", "success"][1] == pytest.approx(30, abs=1)
    assert found["job_run", "error"] == NOTHING


async def test_a_job_that_fails_and_one_that_never_began() -> None:
    cluster = await limited(1)
    await fails(cluster, OpInstanceStartup(instance_name="nope"))
    await cluster.submit(OpTestDelay(duration=10.0))
    waiting = await cluster.submit(OpTestDelay(duration=10.0))
    await LuxiMethods(await cluster.master()).handle("CancelJob", [waiting])
    assert await status(cluster, waiting) == "canceled"
    found = await times(cluster)
    assert found["job_run", "error"][0] == 1
    # It did not run, so it took no time.
    assert found["job_run", "canceled"] == NOTHING
    assert found["job_queue", ""][0] == 3  # that of the limit, the first two here


async def test_waits_for_locks() -> None:
    cluster = await running()
    hold = OpTestDelay(duration=50.0, on_master=False, on_nodes=("node1",), no_locks=False)
    before = (await times(cluster))["lock_wait", ""]
    jobs = [await cluster.submit(hold) for _ in range(2)]
    await cluster.clock.sleep(150.0)
    assert await states(cluster, jobs) == ["success"] * 2
    count, seconds = (await times(cluster))["lock_wait", ""]
    assert count == before[0] + 2
    assert seconds - before[1] == pytest.approx(50, abs=5)


async def test_node_calls_by_how_they_end() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    before = await times(cluster)
    await cluster.run(START)
    after = await times(cluster)
    assert after["node_call", "ok"][0] > before["node_call", "ok"][0]
    assert after["node_call", "silent"] == before["node_call", "silent"]
    cluster.nodes["node2"].reachable = False
    await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",)))
    assert (await times(cluster))["node_call", "silent"][0] > after["node_call", "silent"][0]


async def test_a_candidate_that_falls_behind_and_returns() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    assert (await told(cluster))["replication_lag"] == 0
    all_of_them = (await told(cluster))["candidates"]
    assert all_of_them["behind"] == 0
    cluster.nodes["node2"].reachable = False
    changes = (await times(cluster))["replication", ""][0]
    await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",)))
    assert (await times(cluster))["replication", ""][0] > changes
    await cluster.clock.sleep(100.0)
    found = await told(cluster)
    assert found["candidates"] == {"current": all_of_them["current"] - 1, "behind": 1}
    assert found["replication_lag"] == pytest.approx(100, abs=10)
    cluster.nodes["node2"].reachable = True
    await cluster.replicated()
    found = await told(cluster)
    assert (found["candidates"], found["replication_lag"]) == (all_of_them, 0)


async def test_all_that_is_told_becomes_metrics() -> None:
    cluster = SimCluster()
    answer = await told(cluster)
    found = {one.metric.name for one in measured(answer)}
    assert {f"ganeti_cluster_{one['name']}_seconds" for one in answer["durations"]} <= found
    ended = {one["of"] for one in answer["durations"] if one["name"] == "job_run"}
    assert ended == {JobStatus.SUCCESS, JobStatus.ERROR, JobStatus.CANCELED}
