"""OP_INSTANCE_MULTI_ALLOC."""

from typing import Any

import pytest

from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceMultiAlloc
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, fails, make_op
from tests.sim.instance.make import stopped


def one(name: str, **parameters: Any) -> dict[str, Any]:
    """A creation as a file describes it."""
    wanted = {
        "instance_name": name,
        "mode": "create",
        "pnode": "node1",
        "disk_template": "file",
        "disks": [{"size": "1G"}],
        "nics": [{}],
        "os_type": "noop+default",
    }
    return {**wanted, **parameters}


def several(*instances: object, **parameters: Any) -> OpInstanceMultiAlloc:
    return make_op(OpInstanceMultiAlloc, instances=instances, **parameters)


async def statuses(cluster: SimCluster, result: dict[str, Any]) -> list[JobStatus]:
    """How the jobs of a result ended."""
    master = await cluster.master()
    await master.scheduler.idle()
    return [master.queue.get(job).status for accepted, job in result["jobs"] if accepted]


async def test_creates_each_in_a_job_of_its_own() -> None:
    cluster = SimCluster()
    result = await cluster.run(several(one("web1"), one("web2", pnode="node2", start=False)))
    assert (result["allocatable"], result["failed"]) == (["web1", "web2"], [])
    assert await statuses(cluster, result) == [JobStatus.SUCCESS] * 2
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.guest_states("web2") == {}
    assert cluster.view.disks_of(cluster.instance("web2"))[0].size == 1024


def free(name: str, **parameters: Any) -> dict[str, Any]:
    """The same without a node."""
    return one(name, pnode=None, **parameters)


def advised(placed: object, failed: object = (), **more: Any) -> SimCluster:
    """A cluster whose allocator ``mine`` answers so. Any: fields of the answer."""
    cluster = SimCluster()
    answer = {"success": True, "info": "", "result": [placed, failed], **more}
    cluster.nodes["node1"].put_allocator("mine", answer)
    return cluster


async def test_an_allocator_places_all_of_them_together() -> None:
    cluster = advised([["web1", ["node2"]], ["web2", ["node3"]]])
    job = cluster.submit(several(free("web1"), free("web2"), iallocator="mine"))
    result = await cluster.finished(job)
    assert (result["allocatable"], result["failed"]) == (["web1", "web2"], [])
    assert await statuses(cluster, result) == [JobStatus.SUCCESS] * 2
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.guest_states("web2") == {"node3": "running"}
    asked = [one for one in cluster.nodes["node1"].programs.ran if "mine" in one.argv[0]]
    assert len(asked) == 1
    assert cluster.log(await job)[0] == "Selected nodes for instance web1 via allocator mine: node2"


async def test_those_without_a_place_are_named_and_the_others_made() -> None:
    cluster = advised([["web2", ["node3"]]], [["web1", "FailMem: 3"]])
    job = cluster.submit(several(free("web1"), free("web2"), iallocator="mine"))
    result = await cluster.finished(job)
    assert (result["allocatable"], result["failed"]) == (["web2"], ["web1"])
    assert await statuses(cluster, result) == [JobStatus.SUCCESS]
    assert "Warning: no nodes for instance web1: FailMem: 3" in cluster.log(await job)


async def test_the_default_allocator_places_those_without_a_node() -> None:
    cluster = advised([["web1", ["node2"]]])
    await cluster.run(OpClusterSetParams(default_iallocator="mine"))
    result = await cluster.run(several(free("web1")))
    assert await statuses(cluster, result) == [JobStatus.SUCCESS]


async def test_an_allocator_is_not_asked_where_all_have_nodes() -> None:
    cluster = advised([])
    job = cluster.submit(several(one("web1"), iallocator="mine"))
    assert (await cluster.finished(job))["allocatable"] == ["web1"]
    assert "not asked" in cluster.log(await job)[0]
    assert not [one for one in cluster.nodes["node1"].programs.ran if "mine" in one.argv[0]]


async def test_nodes_that_are_free_are_enough_where_that_was_asked_for() -> None:
    cluster = advised([["web1", ["node2"]]])
    op = several(free("web1"), iallocator="mine", opportunistic_locking=True)
    async with cluster.lock_held("node2"):
        error = await fails(cluster, op)
        assert "node2, which was not to be had" in str(error)
    async with cluster.lock_held("node3"):
        result = await cluster.run(op)
    assert await statuses(cluster, result) == [JobStatus.SUCCESS]


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"result": [[["web1", ["node9"]]], []]}, ECode.ENVIRON, "node9"),
        ({"result": [[], []]}, ECode.ENVIRON, "what becomes of web1"),
        ({"success": False, "info": "all full"}, ECode.NORES, "all full"),
    ],
)
async def test_what_an_allocator_may_not_say(
    answer: dict[str, Any], code: ECode, said: str
) -> None:
    cluster = advised([], **answer)
    await assert_refused(cluster, several(free("web1"), iallocator="mine"), code, "mine", said)


@pytest.mark.parametrize(
    ("instance", "code", "said"),
    [
        (free("a", snode="node2"), ECode.INVAL, "instance a: a secondary node"),
        (free("a", disks=[{"adopt": "x"}]), ECode.INVAL, "instance a:"),
        (free("a", nics=[{"network": "blue"}]), ECode.NOENT, "instance a:"),
    ],
)
async def test_each_is_checked_before_an_allocator_is_asked(
    instance: object, code: ECode, said: str
) -> None:
    cluster = advised([])
    await assert_refused(cluster, several(instance, iallocator="mine"), code, said)
    assert not cluster.nodes["node1"].programs.ran


async def test_one_that_fails_leaves_the_others() -> None:
    cluster = stopped()
    result = await cluster.run(several(one("web1"), one("web2")))
    assert await statuses(cluster, result) == [JobStatus.ERROR, JobStatus.SUCCESS]


async def test_its_priority_is_that_of_the_jobs_that_say_nothing_else() -> None:
    cluster = SimCluster()
    op = several(one("web1"), one("web2", priority=-10), priority=10)
    result = await cluster.run(op)
    master = await cluster.master()
    jobs = [master.queue.get(job) for _, job in result["jobs"]]
    assert [job.ops[0].input["priority"] for job in jobs] == [10, -10]


@pytest.mark.parametrize(
    ("instances", "code", "said"),
    [
        ([], ECode.INVAL, "no instances"),
        ([one("a"), one("a")], ECode.INVAL, "twice: a"),
        ([one("a", pnode=None)], ECode.INVAL, "no allocator was given"),
        ([one("a", pnode=None), one("b")], ECode.INVAL, "a without a pnode"),
        ([one("a", pnode="node9")], ECode.NOENT, "node9"),
        ([one("a", iallocator="hail")], ECode.INVAL, "instance a: an allocator"),
        ([one("a", disk_template="drbd")], ECode.INVAL, "no snode"),
        ([one("a", size=1)], ECode.INVAL, "unknown parameter 'size'"),
        ([one("a", OP_ID="OP_INSTANCE_REMOVE")], ECode.INVAL, "OP_INSTANCE_REMOVE"),
        ([{"OP_ID": "OP_CLUSTER_VERIFY"}], ECode.INVAL, "OP_CLUSTER_VERIFY"),
        (["a"], ECode.INVAL, "expected a mapping"),
    ],
)
async def test_refuses_all_when_one_is_wrong(
    instances: list[object], code: ECode, said: str
) -> None:
    await assert_refused(SimCluster(), several(*instances), code, said)


async def test_secrets_reach_no_record() -> None:
    cluster = SimCluster()
    await cluster.run(several(one("web1", osparams_secret={"message": "sesame"})))
    await (await cluster.master()).scheduler.idle()
    everything = cluster.backend.dump().contents
    assert not any(b"sesame" in value for rows in everything.values() for value in rows.values())
    script = cluster.nodes["node1"].programs.ran[-1]
    assert script.env is not None
    assert script.env["OSP_MESSAGE"] == "sesame"


async def test_says_which_parameter_is_wrong_and_not_the_secret() -> None:
    error = await fails(SimCluster(), several(one("a", osparams_secret="sesame")))
    assert "osparams_secret" in str(error)
    assert "sesame" not in str(error)
