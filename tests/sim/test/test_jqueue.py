"""OP_TEST_JQUEUE."""

import pytest

from pyganeti.master.locks import Level
from pyganeti.master.lu.test.jqueue import CONFIRM_S, CONNECT_S
from pyganeti.model.enums import LogType
from pyganeti.model.errors import OpExecError, OpPrereqError
from pyganeti.opcodes.test import OpTestJqueue
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails
from tests.sim.test.watching import entries, is_socket, ring

ALL = OpTestJqueue(notify_waitlock=True, notify_exec=True, log_messages=("a", ""))


async def watched(cluster: SimCluster, job_id: int) -> list[tuple[str, object, str]]:
    """Each phase with its argument, and the job's state meanwhile."""
    seen: list[tuple[str, object, str]] = []
    async for path, phase, argument in entries(cluster, job_id, LogType.JQUEUE_TEST):
        assert is_socket(path)
        bell = await ring(path)
        await cluster.clock.sleep(CONFIRM_S / 2)
        job = (await cluster.master()).queue.get(job_id)
        seen.append((phase, argument, job.status.value))
        bell.close()
    return seen


async def test_a_client_is_told_each_phase_while_it_lasts() -> None:
    cluster = SimCluster()
    job = cluster.submit(ALL)
    assert await watched(cluster, await job) == [
        ("expandnames", None, "waiting"),
        ("exec", None, "running"),
        ("startmsg", 2, "running"),
        ("logmsg", 1, "running"),
        ("logmsg", 2, "running"),
    ]
    assert await cluster.finished(job) is True
    assert [line for line in cluster.log(await job) if line.startswith("TESTMSG=")] == [
        "TESTMSG=a",
        "TESTMSG=",
    ]


async def test_nothing_is_told_unasked() -> None:
    cluster = SimCluster()
    job = cluster.submit(OpTestJqueue())
    assert await cluster.finished(job) is True
    assert cluster.log(await job) == []


async def test_its_sockets_go_with_it() -> None:
    cluster = SimCluster()
    job = cluster.submit(ALL)
    paths = []
    async for path, _, _ in entries(cluster, await job, LogType.JQUEUE_TEST):
        paths.append(path)
        (await ring(path)).close()
    await cluster.finished(job)
    assert len(set(paths)) == 5
    assert not any(map(is_socket, paths))


async def test_it_holds_a_lock_only_while_it_runs() -> None:
    cluster = SimCluster()
    job = cluster.submit(OpTestJqueue(notify_waitlock=True, notify_exec=True))
    held = []
    async for path, phase, _ in entries(cluster, await job, LogType.JQUEUE_TEST):
        states = (await cluster.master()).locks.states()
        held.append((phase, [s.name for s in states if s.level is Level.NODE]))
        (await ring(path)).close()
    node = cluster.view.node("node1").uuid
    assert held == [("expandnames", []), ("exec", ["[lockset]", node])]


async def test_fails_when_told_to() -> None:
    error = await fails(SimCluster(), OpTestJqueue(fail=True))
    assert isinstance(error, OpExecError)
    assert "to fail" in str(error)


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        (OpTestJqueue(notify_waitlock=True), OpPrereqError),
        (OpTestJqueue(notify_exec=True), OpExecError),
    ],
)
async def test_gives_up_when_nobody_listens(op: OpTestJqueue, kind: type[Exception]) -> None:
    cluster = SimCluster()
    await cluster.master()
    begun = cluster.clock.monotonic()
    error = await fails(cluster, op)
    assert isinstance(error, kind)
    assert f"no client connected within {CONNECT_S:g} s" in str(error)
    assert cluster.clock.monotonic() - begun == pytest.approx(CONNECT_S, abs=1.0)


async def test_gives_up_when_the_client_stays() -> None:
    cluster = SimCluster()
    job = cluster.submit(OpTestJqueue(notify_exec=True))
    bells = [
        await ring(path) async for path, _, _ in entries(cluster, await job, LogType.JQUEUE_TEST)
    ]
    with pytest.raises(OpExecError, match=f"confirm 'exec' within {CONFIRM_S:g} s"):
        await cluster.finished(job)
    bells[0].close()


async def test_can_be_cancelled_while_it_tells_that_it_waits() -> None:
    cluster = SimCluster()
    job = await cluster.submit(ALL)
    await cluster.clock.sleep(1.0)
    master = await cluster.master()
    assert (await master.cancel(master.queue.get(job), kill=False))[0]
    await cluster.clock.sleep(1.0)
    assert master.queue.get(job).status == "canceled"
