"""OP_QUERY, OP_QUERY_FIELDS: every resource as a job; what LUXI leaves to them."""

import asyncio
import os

import pytest

from pyganeti.master.locks import LockRequest
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import ECode, OpPrereqError, ParameterError, QueryFilterParseError
from pyganeti.opcodes.query import OpQuery, OpQueryFields
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes
from tests.sim.storage.make import put_provider

# Seconds since the epoch, in the year 2096.
FUTURE = 4e9

BY_JOB = ("cluster", "os", "extstorage")


def one_field(what: str) -> OpQuery:
    names = {"export": "node", "filter": "uuid", "job": "id", "wait": "id"}
    return OpQuery(what=QueryResource(what), fields=(names.get(what, "name"),))


@pytest.mark.parametrize("what", sorted(QueryResource))
async def test_every_resource_is_answered(what: str) -> None:
    cluster = SimCluster()
    answer = await cluster.run(one_field(what))
    assert [field["kind"] for field in answer["fields"]] != ["unknown"]
    assert changes(cluster) == []


async def test_the_cluster_is_one_object() -> None:
    cluster = SimCluster()
    names = ("name", "cluster_name", "master_node", "drain_flag", "watcher_pause", "tags")
    methods = LuxiMethods(await cluster.master())
    await methods.handle("SetWatcherPause", [FUTURE])
    answer = await cluster.run(OpQuery(what=QueryResource.CLUSTER, fields=names))
    name = cluster.view.cluster.cluster_name
    assert answer["data"] == [
        [[0, name], [0, name], [0, "node1"], [0, False], [0, FUTURE], [0, []]],
    ]


async def test_a_pause_of_the_watcher_outlives_the_master() -> None:
    cluster = SimCluster()
    await LuxiMethods(await cluster.master()).handle("SetWatcherPause", [FUTURE])
    await cluster.kill_master()
    methods = LuxiMethods(await cluster.master())
    assert await methods.handle("QueryConfigValues", [["watcher_pause"]]) == [FUTURE]


async def test_oses_are_filtered_by_what_nodes_found() -> None:
    cluster = SimCluster()
    qfilter = ("&", ["?", "valid"], ["=[]", "variants", "minimal"])
    op = OpQuery(what=QueryResource.OS, fields=("name", "trusted"), qfilter=qfilter)
    assert (await cluster.run(op))["data"] == [[[0, "noop"], [0, True]]]
    os.unlink(cluster.nodes["node2"].paths.os_search_path()[0])
    assert (await cluster.run(op))["data"] == []


async def test_storage_providers_are_compared() -> None:
    cluster = SimCluster()
    put_provider(cluster.nodes["node1"].paths, "pool where volumes lie\n")
    put_provider(cluster.nodes["node2"].paths, "pool\n")
    fields = ("name", "node_status", "nodegroup_status", "parameters")
    op = OpQuery(what=QueryResource.EXTSTORAGE, fields=fields)
    ((name, status, groups, parameters),) = (await cluster.run(op))["data"]
    assert (name, groups, parameters) == ([0, "shared"], [0, {"default": False}], [0, []])
    assert status[1]["node1"][0][1:] == [True, "", [["pool", "where volumes lie"]]]
    assert status[1]["node3"] == []


async def test_fields_are_described() -> None:
    op = OpQueryFields(what=QueryResource.OS, fields=("valid", "colour"))
    fields = (await SimCluster().run(op))["fields"]
    assert [(field["name"], field["kind"]) for field in fields] == [
        ("valid", "bool"),
        ("colour", "unknown"),
    ]


@pytest.mark.parametrize("what", BY_JOB)
async def test_luxi_leaves_some_resources_to_jobs(what: str) -> None:
    methods = LuxiMethods(await SimCluster().master())
    with pytest.raises(OpPrereqError, match="submit OP_QUERY"):
        await methods.handle("Query", [what, ["name"], None])
    with pytest.raises(OpPrereqError, match="submit OP_QUERY"):
        await methods.handle("QueryFields", [what, None])


@pytest.mark.parametrize("what", ["cluster", "os", "extstorage", "node"])
async def test_refuses_an_unknown_name(what: str) -> None:
    op = OpQuery(
        what=QueryResource(what), fields=("name",), qfilter=("|", ["==", "name", "missing"])
    )
    await assert_refused(SimCluster(), op, ECode.NOENT, "missing")


@pytest.mark.parametrize(
    ("qfilter", "error"),
    [(("~",), QueryFilterParseError), (("?", "colour"), ParameterError)],
)
async def test_a_wrong_filter_ends_the_job(
    qfilter: tuple[object, ...], error: type[Exception]
) -> None:
    op = OpQuery(what=QueryResource.NODE, fields=("name",), qfilter=qfilter)
    with pytest.raises(error):
        await SimCluster().run(op)


async def test_locks_are_taken_only_when_asked_for() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1")
    fields = ("name",)
    async with cluster.instance_held("web1"):
        free = OpQuery(what=QueryResource.INSTANCE, fields=fields)
        assert (await cluster.run(free))["data"] == [[[0, "web1"]]]
        locking = OpQuery(what=QueryResource.INSTANCE, fields=fields, use_locking=True)
        waiting = cluster.submit(locking)
        await waiting
        await asyncio.sleep(60)
        assert (await cluster.run(free))["data"] == [[[0, "web1"]]]
        states = (await cluster.master()).queue.jobs.values()
        assert [str(job.status) for job in states if job.id == await waiting] == ["waiting"]
    assert (await cluster.finished(waiting))["data"] == [[[0, "web1"]]]


async def test_shared_locks_do_not_keep_a_query_out() -> None:
    cluster = SimCluster()
    op = OpQuery(what=QueryResource.NODE, fields=("name",), use_locking=True)
    everything = frozenset({cluster.view.node("node1").uuid})
    async with cluster.locks_held(LockRequest(shared_nodes=everything)):
        assert len((await cluster.run(op))["data"]) == 3
