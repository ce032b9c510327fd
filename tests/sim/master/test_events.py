"""What the master tells of changes, one event after another."""

from typing import Any

import pytest

from pyganeti.master import events
from pyganeti.model.enums import TagKind
from pyganeti.opcodes.instance import OpInstanceGrowDisk, OpInstanceRemove, OpInstanceRename
from pyganeti.opcodes.network import OpNetworkAdd
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import create
from tests.sim.master.queueing import LONG, SHORT, luxi

# Any: JSON.
Json = Any


class Follower:
    """Asks for what came since it asked last."""

    def __init__(self, cluster: SimCluster) -> None:
        self._cluster = cluster
        self.epoch = self.serial = 0
        self.whole = False

    async def news(self, timeout_s: float = 0.0) -> list[tuple[str, ...]]:
        """Kind, action, name, and a job's state."""
        args = [self.epoch, self.serial, timeout_s]
        answer = await (await luxi(self._cluster)).handle("WaitForEvents", args)
        self.epoch, self.serial = answer["epoch"], answer["serial"]
        self.whole = answer["whole"]
        return [
            (one.kind, one.action, one.name, *((one.status,) if one.status else ()))
            for one in answer["events"]
        ]


async def test_a_job_from_its_submission_to_the_archive() -> None:
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()
    job = await cluster.submit(OpTestDelay(duration=5.0))
    await cluster.clock.sleep(1.0)
    # That it runs is told once it is durable, by then it is.
    assert await follower.news() == [
        ("job", "added", str(job), "queued"),
        ("job", "changed", str(job), "running"),
    ]
    assert follower.whole
    await cluster.clock.sleep(10.0)
    assert await follower.news() == [("job", "changed", str(job), "success")]
    await (await luxi(cluster)).handle("ArchiveJob", [job])
    assert await follower.news() == [("job", "removed", str(job), "success")]


async def test_objects_that_are_made_changed_and_removed() -> None:
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()

    async def about(kind: str) -> list[tuple[str, ...]]:
        return [one[1:] for one in await follower.news() if one[0] == kind]

    await cluster.run(create(pnode="node2", start=False))
    (added, *_) = await about("instance")
    assert added == ("added", "web1")
    await cluster.run(OpInstanceGrowDisk(instance_name="web1", disk=0, amount=128))
    assert ("changed", "web1") in await about("instance")
    await cluster.run(OpInstanceRename(instance_name="web1", new_name="web2", name_check=False))
    assert ("changed", "web2") in await about("instance")
    await cluster.run(OpInstanceRemove(instance_name="web2", ignore_failures=False))
    assert (await about("instance"))[-1] == ("removed", "web2")
    await cluster.run(OpNetworkAdd(network_name="front", network="192.0.2.0/28"))
    assert await about("network") == [("added", "front")]
    await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=("a",)))
    assert await about("cluster") == [("changed", cluster.view.cluster.cluster_name)]
    await cluster.run(OpTagsSet(kind=TagKind.NODE, name="node2", tags=("a",)))
    assert await about("node") == [("changed", "node2")]


async def test_who_waits_is_answered_at_the_first_event() -> None:
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()
    begin = cluster.clock.monotonic()
    assert await follower.news(5.0) == []
    assert cluster.clock.monotonic() - begin == pytest.approx(5.0)
    assert follower.whole
    # Longer than a minute nobody is kept waiting.
    assert await follower.news(1e9) == []
    assert cluster.clock.monotonic() - begin == pytest.approx(65.0)
    running = cluster.submit(LONG)
    assert len(await follower.news(50.0)) >= 1
    assert cluster.clock.monotonic() - begin == pytest.approx(65.0)
    await running


async def test_another_master_counts_anew() -> None:
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()
    job = await cluster.submit(SHORT)
    await cluster.clock.sleep(5.0)
    await follower.news()
    epoch = follower.epoch
    await cluster.kill_master()
    await cluster.master()
    assert await follower.news() == []
    assert not follower.whole
    assert (follower.epoch, follower.serial) == (epoch + 1, 0)
    # Jobs that ended before are nothing new.
    other = await cluster.submit(SHORT)
    assert job != other
    assert (await follower.news())[0] == ("job", "added", str(other), "queued")
    assert follower.whole


async def test_what_was_pushed_out_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.Events.__init__, "__defaults__", (10,))
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()
    for _ in range(10):
        await cluster.run(SHORT)
    assert len(await follower.news()) == 10
    assert not follower.whole


async def test_many_are_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_TOLD", 3)
    cluster = SimCluster()
    follower = Follower(cluster)
    await follower.news()
    for number in range(4):
        await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=(f"t{number}",)))
    found, parts = [], 0
    while news := await follower.news():
        assert len(news) <= 3
        assert follower.whole
        found += news
        parts += 1
    assert parts >= 4
    assert len([one for one in found if one[0] == "cluster"]) == 4
