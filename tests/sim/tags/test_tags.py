"""OP_TAGS_SET, OP_TAGS_DEL, OP_TAGS_GET and OP_TAGS_SEARCH."""

import pytest

from pyganeti.model.enums import TagKind
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.opcodes.tags import OpTagsDel, OpTagsGet, OpTagsSearch, OpTagsSet
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, failed, fails, make_op
from tests.sim.instance.make import stopped

TARGETS = [
    (TagKind.CLUSTER, None),
    (TagKind.NODE, "node2"),
    (TagKind.INSTANCE, "web1"),
    (TagKind.NODEGROUP, "default"),
]
SET = OpTagsSet(kind=TagKind.INSTANCE, name="web1", tags=("blue", "big"))


@pytest.mark.parametrize(("kind", "name"), TARGETS)
async def test_tags_are_set_got_and_removed(kind: TagKind, name: str | None) -> None:
    cluster = stopped()
    await cluster.run(OpTagsSet(kind=kind, name=name, tags=("blue", "big")))
    await cluster.run(OpTagsSet(kind=kind, name=name, tags=("big", "old")))
    assert sorted(await cluster.run(OpTagsGet(kind=kind, name=name))) == ["big", "blue", "old"]
    await cluster.run(OpTagsDel(kind=kind, name=name, tags=("big", "blue")))
    assert await cluster.run(OpTagsGet(kind=kind, name=name)) == ["old"]


async def test_setting_what_is_there_commits_nothing() -> None:
    cluster = stopped()
    await cluster.run(SET)
    serial = cluster.view.serial
    await cluster.run(SET)
    assert cluster.view.serial == serial


REFUSALS = [
    (OpTagsSet, {"kind": "instance", "name": "web9", "tags": ["x"]}, ECode.NOENT, "web9"),
    (OpTagsSet, {"kind": "node", "name": "node9", "tags": ["x"]}, ECode.NOENT, "node9"),
    (OpTagsSet, {"kind": "nodegroup", "name": "g9", "tags": ["x"]}, ECode.NOENT, "g9"),
    (OpTagsSet, {"kind": "network", "name": "net9", "tags": ["x"]}, ECode.NOENT, "net9"),
    (OpTagsSet, {"kind": "instance", "name": "web1", "tags": ["a b"]}, ECode.INVAL, "a b"),
    (OpTagsDel, {"kind": "instance", "name": "web1", "tags": ["x"]}, ECode.NOENT, "x"),
    (OpTagsGet, {"kind": "instance", "name": "web9"}, ECode.NOENT, "web9"),
    (OpTagsSearch, {"pattern": "("}, ECode.INVAL, "("),
]


@pytest.mark.parametrize(("kind", "parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    kind: type[OpTagsSet], parameters: dict[str, object], code: ECode, said: str
) -> None:
    await assert_refused(stopped(), make_op(kind, **parameters), code, said)


async def test_there_is_a_limit_to_tags() -> None:
    cluster = stopped()
    first, second = ([f"{half}{n}" for n in range(2049)] for half in ("a", "b"))
    await cluster.run(make_op(OpTagsSet, kind="cluster", tags=first))
    await assert_refused(
        cluster, make_op(OpTagsSet, kind="cluster", tags=second), ECode.INVAL, "4098", "4096"
    )


async def test_searches_all_objects() -> None:
    cluster = stopped()
    for kind, name in TARGETS:
        await cluster.run(OpTagsSet(kind=kind, name=name, tags=("blue",)))
    assert sorted(await cluster.run(OpTagsSearch(pattern="^bl"))) == [
        ["/cluster", "blue"],
        ["/instances/web1", "blue"],
        ["/nodegroup/default", "blue"],
        ["/nodes/node2", "blue"],
    ]
    assert await cluster.run(OpTagsSearch(pattern="red")) == []


async def test_many_at_once_all_count() -> None:
    cluster = SimCluster()
    ops = [make_op(OpTagsSet, kind="cluster", tags=[f"tag{number}"]) for number in range(50)]
    jobs = [cluster.submit(op) for op in ops]
    for job in jobs:
        await cluster.finished(job)
    assert len(cluster.view.cluster.tags) == 50


async def test_refuses_when_the_object_went_while_it_waited() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        remove = cluster.submit(OpInstanceRemove(instance_name="web1"))
        await remove
        tag = cluster.submit(SET)
        await tag
    await cluster.finished(remove)
    assert "web1" in str(await failed(cluster, tag))


@pytest.mark.parametrize(("kind", "name"), TARGETS[1:])
async def test_unwinds_from_every_fault_point(kind: TagKind, name: str) -> None:
    before = OpTagsSet(kind=kind, name=name, tags=("blue", "old"))
    await assert_unwinds(
        stopped, OpTagsSet(kind=kind, name=name, tags=("old", "new")), after=[before]
    )
    await assert_unwinds(stopped, OpTagsDel(kind=kind, name=name, tags=("blue",)), after=[before])


async def test_those_of_the_cluster_can_be_changed_again_after_any_fault() -> None:
    # No undo: they are not locked, so another job may have found there what this one added.
    await assert_repeatable(stopped, OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",)))


async def test_a_search_that_would_not_end_is_ended() -> None:
    cluster = SimCluster()
    await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=("a" * 60 + "@",)))
    error = await fails(cluster, OpTagsSearch(pattern="(a|aa)+$"))
    assert "takes too long on the cluster's tags" in str(error)


async def test_a_pattern_that_would_take_all_memory_is_refused() -> None:
    op = OpTagsSearch(pattern="((((a{1000}){1000}){1000}){1000})")
    await assert_refused(SimCluster(), op, ECode.INVAL, "too large")
