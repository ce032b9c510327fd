"""A job that only waits for a node outlives its master; one that does more is unwound."""

import asyncio

from pyganeti.master.jobs.recovery import awaited_tasks
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import AdminState, JobStatus, TagKind
from pyganeti.model.errors import CallTimeout, GenericError
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceReinstall, OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.store.interface import Delete, Table, Transaction
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import changes, failed
from tests.sim.instance.make import create, stopped

SCRIPT = "noop/create"
ON_NODES = OpTestDelay(duration=100.0, on_master=False, on_nodes=("node2", "node3"), repeat=2)


async def replaced(cluster: SimCluster) -> None:
    """The master dies in the middle of what it does, and the next one begins."""
    await cluster.kill_master()
    await cluster.master()


async def status(cluster: SimCluster, job: int) -> JobStatus:
    return (await cluster.master()).queue.get(job).status


async def test_a_wait_goes_on_under_the_next_master() -> None:
    cluster = SimCluster()
    await cluster.master()
    begun = cluster.clock.monotonic()
    job = cluster.submit(ON_NODES)
    await cluster.clock.sleep(50.0)
    await replaced(cluster)
    assert await status(cluster, await job) is JobStatus.RUNNING
    await cluster.finished(job)
    assert 200.0 <= cluster.clock.monotonic() - begun < 250.0
    # Each node was asked twice, as if nothing had happened.
    assert sorted(changes(cluster)) == sorted(
        2 * [("node2", "test_delay"), ("node3", "test_delay")]
    )
    assert "still waiting for node2, node3" in cluster.log(await job)[0]


async def test_it_survives_several_masters() -> None:
    cluster = SimCluster()
    await cluster.master()
    job = cluster.submit(ON_NODES)
    for _ in range(3):
        await cluster.clock.sleep(20.0)
        await replaced(cluster)
    await cluster.finished(job)
    assert len(changes(cluster)) == 4


async def test_another_node_that_takes_over_goes_on_too() -> None:
    cluster = SimCluster()
    await cluster.master()
    job = await cluster.submit(ON_NODES)
    await cluster.clock.sleep(10.0)
    await cluster.replicated()
    await cluster.kill_master()
    follower = await cluster.take_over("node2")
    assert follower.queue.get(job).status is JobStatus.RUNNING
    await cluster.clock.sleep(250.0)
    assert follower.queue.get(job).status is JobStatus.SUCCESS
    assert len(changes(cluster)) == 4


async def test_a_task_that_ended_meanwhile_counts() -> None:
    cluster = SimCluster()
    await cluster.master()
    job = cluster.submit(OpTestDelay(duration=10.0, on_master=False, on_nodes=("node2",)))
    await cluster.clock.sleep(5.0)
    await cluster.kill_master()
    await cluster.clock.sleep(100.0)
    await cluster.finished(job)
    assert changes(cluster) == [("node2", "test_delay")]


async def test_a_creation_goes_on_with_its_script_and_starts_the_guest() -> None:
    cluster = SimCluster()
    cluster.nodes["node1"].put_hook("instance-add-post.d/50-tell")
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = cluster.submit(create())
    await cluster.clock.sleep(5.0)
    await replaced(cluster)
    assert programs.running
    programs.release()
    assert await cluster.finished(job) == ["node1"]
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.instance("web1").admin_state is AdminState.UP
    assert len([path for path in programs.paths() if path.endswith(SCRIPT)]) == 1
    (hook,) = (command for command in programs.ran if command.argv[0].endswith("50-tell"))
    assert hook.env is not None
    assert hook.env["GANETI_INSTANCE_NAME"] == "web1"
    assert hook.env["GANETI_POST_INSTANCE_STATUS"] == "up"


async def test_post_hooks_that_had_begun_are_not_run_again() -> None:
    cluster = SimCluster()
    hook = "instance-add-post.d/50-tell"
    cluster.nodes["node1"].put_hook(hook)
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(hook)
    job = cluster.submit(create(start=False))
    await cluster.clock.sleep(5.0)
    assert [path for path in programs.paths() if path.endswith(hook)]
    programs.hanging.clear()
    for _ in range(2):
        await replaced(cluster)
    assert await cluster.finished(job) == ["node1"]
    assert len([path for path in programs.paths() if path.endswith(hook)]) == 1
    assert "post-hooks" in cluster.log(await job)[-1]


async def test_a_wipe_goes_on_with_the_next_disk() -> None:
    cluster = SimCluster()
    await cluster.run(OpClusterSetParams(prealloc_wipe_disks=True))
    cluster.rpc_changes.clear()
    cluster.faults.deadly = "wait for blockdev_wipe"
    assert await cluster.run(create()) == ["node1"]
    wipes = [change for change in changes(cluster) if change[1] == "blockdev_wipe"]
    assert len(wipes) == 2
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_wipe_shows_how_far_it_is_under_any_master() -> None:
    cluster = SimCluster()
    await cluster.run(OpClusterSetParams(prealloc_wipe_disks=True))
    halfway = cluster.nodes["node1"].disks.halfway = asyncio.Event()
    job = cluster.submit(create())
    half = {"step": "wipe disk/0", "done": 512, "total": 1024}

    async def shown() -> object:
        await cluster.clock.sleep(5.0)
        methods = LuxiMethods(await cluster.master())
        ((found,),) = await methods.handle("QueryJobs", [[await job], ["progress"]])
        return found

    assert await shown() == half
    await replaced(cluster)
    assert await shown() == half
    halfway.set()
    await cluster.finished(job)
    assert await shown() is None


async def test_a_script_that_fails_under_the_next_master_unwinds() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    programs.failing[SCRIPT] = "no space left"
    job = cluster.submit(create())
    await cluster.clock.sleep(5.0)
    await replaced(cluster)
    programs.release()
    assert "no space left" in str(await failed(cluster, job))
    assert cluster.footprint() == before
    assert not cluster.backend.keys(Table.JOURNAL)


async def test_the_locks_are_held_again() -> None:
    cluster = stopped()
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    reinstall = cluster.submit(OpInstanceReinstall(instance_name="web1"))
    await cluster.clock.sleep(5.0)
    await replaced(cluster)
    start = cluster.submit(OpInstanceStartup(instance_name="web1"))
    await cluster.clock.sleep(5.0)
    assert await status(cluster, await start) is JobStatus.WAITING
    programs.release()
    await cluster.finished(reinstall)
    await cluster.finished(start)


async def test_a_resumed_job_can_be_killed() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = await cluster.submit(create())
    await cluster.clock.sleep(5.0)
    await replaced(cluster)
    await cluster.clock.sleep(1.0)
    methods = LuxiMethods(await cluster.master())
    assert (await methods.handle("CancelJob", [job, False]))[0] is False
    assert (await methods.handle("CancelJob", [job, True]))[0] is True
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) is JobStatus.CANCELED
    assert programs.running == []
    assert cluster.footprint() == before


async def test_a_node_that_forgot_the_task_unwinds_the_job() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = cluster.submit(create())
    await cluster.clock.sleep(5.0)
    await cluster.kill_master()
    await cluster.nodes["node1"].restart()
    assert isinstance(await failed(cluster, job), CallTimeout)
    assert cluster.footprint() == before


async def test_a_job_with_lost_secrets_is_unwound_and_its_task_ended() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = cluster.submit(create(osparams_secret={"message": "hush"}))
    await cluster.clock.sleep(5.0)
    assert programs.running
    await cluster.kill_master()
    assert isinstance(await failed(cluster, job), GenericError)
    assert programs.running == []
    assert cluster.footprint() == before


async def test_a_wait_that_began_to_be_unwound_is_not_resumed() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = await cluster.submit(create())
    await cluster.clock.sleep(5.0)
    cluster.dies_at_call("blockdev_remove")
    methods = LuxiMethods(await cluster.master())
    assert (await methods.handle("CancelJob", [job, True]))[0] is True
    await cluster.clock.sleep(5.0)
    assert cluster.faults.died.is_set()
    assert awaited_tasks(cluster.backend.load()) == frozenset()
    await replaced(cluster)
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) is JobStatus.CANCELED
    assert cluster.footprint() == before


async def test_later_opcodes_run_after_a_resumed_one() -> None:
    cluster = SimCluster()
    await cluster.master()
    wait = OpTestDelay(duration=100.0, on_master=False, on_nodes=("node2",))
    job = cluster.submit(wait, OpTagsSet(kind=TagKind.CLUSTER, tags=("after",)))
    await cluster.clock.sleep(50.0)
    await replaced(cluster)
    await cluster.finished(job)
    assert "after" in cluster.view.cluster.tags


async def test_a_task_that_no_journal_knows_ends_with_its_master() -> None:
    """The node was told what to keep by the new master's first call."""
    cluster = SimCluster()
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    await cluster.submit(create())
    await cluster.clock.sleep(5.0)
    await cluster.kill_master()
    lost = [Delete(Table.JOURNAL, key) for key in cluster.backend.keys(Table.JOURNAL)]
    cluster.backend.apply(Transaction(cluster.backend.dump().seq + 1, tuple(lost)))
    await cluster.master()
    assert programs.running == []
