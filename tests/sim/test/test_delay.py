"""OP_TEST_DELAY."""

import pytest

from pyganeti.model.enums import JobStatus, LogType
from pyganeti.model.errors import ECode
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, fails, make_op
from tests.sim.test.watching import entries, is_socket, ring

ON_NODE = OpTestDelay(duration=1.0, on_master=False, on_nodes=("node2",))


async def test_lets_time_pass_on_the_master() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.clock.monotonic()
    await cluster.run(OpTestDelay(duration=10.0, repeat=3))
    assert cluster.clock.monotonic() - before >= 30.0


async def test_lets_time_pass_on_nodes_at_once() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.clock.monotonic()
    await cluster.run(OpTestDelay(duration=10.0, on_master=False, on_nodes=("node2", "node3")))
    assert 10.0 <= cluster.clock.monotonic() - before < 20.0
    assert sorted(cluster.rpc_changes) == [("node2", "test_delay"), ("node3", "test_delay")]


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"duration": -1.0}, ECode.INVAL, "-1"),
        ({"duration": 1.0, "on_nodes": ["node9"]}, ECode.NOENT, "node9"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, object], code: ECode, said: str
) -> None:
    await assert_refused(SimCluster(), make_op(OpTestDelay, **parameters), code, said)


async def test_a_silent_node_fails_it() -> None:
    cluster = SimCluster()
    cluster.nodes["node2"].reachable = False
    assert "node2" in str(await fails(cluster, ON_NODE))


async def test_waits_for_the_locks_of_its_nodes() -> None:
    cluster = SimCluster()
    op = OpTestDelay(duration=1.0, on_nodes=("node2",), no_locks=False)
    async with cluster.lock_held("node2"):
        job = cluster.submit(op)
        await job
        await cluster.clock.sleep(100.0)
        assert cluster.rpc_changes == []
    await cluster.finished(job)


async def test_locks_the_master_where_it_waits_there() -> None:
    cluster = SimCluster()
    first = cluster.submit(OpTestDelay(duration=10.0, no_locks=False))
    on_node = OpTestDelay(duration=10.0, on_master=False, on_nodes=("node1",), no_locks=False)
    second = cluster.submit(on_node)
    await first
    third = cluster.submit(OpTestDelay(duration=1.0))
    await cluster.finished(third)
    assert [job.status for job in (await cluster.master()).queue.current_jobs()] == [
        "running",
        "waiting",
        "success",
    ]
    await cluster.finished(second)


async def test_takes_nodes_by_uuid_too() -> None:
    cluster = SimCluster()
    uuids = (cluster.view.node("node3").uuid,)
    await cluster.run(OpTestDelay(duration=1.0, on_master=False, on_node_uuids=uuids))
    assert cluster.rpc_changes == [("node3", "test_delay")]


# --- interruptible

UNTIL_TOLD = OpTestDelay(duration=100.0, on_nodes=("node2",), interruptible=True, repeat=3)


async def test_ends_when_a_program_connects() -> None:
    cluster = SimCluster()
    await cluster.master()
    begun = cluster.clock.monotonic()
    job = cluster.submit(UNTIL_TOLD)
    async for (path,) in entries(cluster, await job, LogType.DELAY_TEST):
        # Whoever is told can rely on it: it is durable that the job runs.
        found = await (await cluster.master()).queue.find_job(await job)
        assert found is not None
        assert found.status is JobStatus.RUNNING
        await cluster.clock.sleep(30.0)
        (await ring(path)).close()
    await cluster.finished(job)
    assert 30.0 <= cluster.clock.monotonic() - begun < 40.0
    assert cluster.log(await job)[-1] == "interrupted after 30.0 s"
    assert cluster.rpc_changes == []  # as in Ganeti: nodes are not asked


async def test_ends_by_itself_when_nobody_connects() -> None:
    cluster = SimCluster()
    await cluster.master()
    begun = cluster.clock.monotonic()
    job = cluster.submit(UNTIL_TOLD)
    await cluster.finished(job)
    assert 300.0 <= cluster.clock.monotonic() - begun < 310.0
    paths = cluster.log(await job)
    assert len(set(paths)) == 3
    assert not any(is_socket(path.strip("[]'")) for path in paths)


async def test_tells_on_a_dry_run_that_it_can_be_interrupted() -> None:
    cluster = SimCluster()
    dry = make_op(OpTestDelay, duration=5.0, interruptible=True, dry_run=True)
    job = cluster.submit(dry)
    await cluster.finished(job)
    assert "wait 5 s on the master, or until a program connects" in "".join(cluster.log(await job))


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(SimCluster, ON_NODE)
