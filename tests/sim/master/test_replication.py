"""Candidates have what was acknowledged, or are known to lack it; terms keep masters apart."""

from collections.abc import Iterable

import msgspec
import pytest

from pyganeti.master.app import Master
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.replication import LOST
from pyganeti.model.enums import TagKind
from pyganeti.model.errors import (
    ConfigurationError,
    GenericError,
    StaleEpoch,
)
from pyganeti.opcodes.codec import encode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.store.interface import Delete, Put, Table, Transaction
from pyganeti.store.memory import MemoryBackend
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.noderpc.blockdev import FileStorageDirCreateCall
from tests.sim.instance.make import stopped

START = OpInstanceStartup(instance_name="web1")


def tag(name: str) -> OpTagsSet:
    return OpTagsSet(kind=TagKind.CLUSTER, tags=(name,))


def lost(cluster: SimCluster) -> list[str]:
    """Names of the candidates that the master's store says are lost."""
    data = cluster.backend.read(Table.META, LOST) or b"[]"
    return sorted(cluster.view.node(uuid).name for uuid in msgspec.json.decode(data))


def contents(cluster: SimCluster, node: str) -> object:
    return cluster.nodes[node].backend.dump().contents


async def test_candidates_have_what_the_master_has() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    await cluster.run(START)
    assert contents(cluster, "node2") == cluster.backend.dump().contents
    assert contents(cluster, "node3") == cluster.backend.dump().contents
    assert lost(cluster) == []


async def test_one_that_does_not_answer_is_lost_before_the_acknowledgement() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    cluster.nodes["node2"].reachable = False
    await cluster.run(tag("blue"))
    assert lost(cluster) == ["node2"]
    assert contents(cluster, "node3") == cluster.backend.dump().contents


async def test_one_that_hangs_is_lost_after_a_while() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    async with cluster.held_up("node2", "store_apply"):
        before = cluster.clock.monotonic()
        await cluster.run(tag("blue"))
        assert 5.0 <= cluster.clock.monotonic() - before < 30.0
        assert lost(cluster) == ["node2"]


async def test_one_that_is_back_catches_up() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    cluster.nodes["node2"].reachable = False
    await cluster.run(tag("blue"))
    cluster.nodes["node2"].reachable = True
    await cluster.run(tag("red"))
    await cluster.replicated()
    assert lost(cluster) == []
    assert contents(cluster, "node2") == cluster.backend.dump().contents


async def test_one_catches_up_while_changes_go_on() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    cluster.nodes["node2"].reachable = False
    await cluster.run(tag("blue"))
    async with cluster.held_up("node2", "store_load"):
        cluster.nodes["node2"].reachable = True
        await cluster.clock.sleep(20.0)
        for number in range(20):
            await cluster.run(tag(f"tag{number}"))
    await cluster.replicated()
    assert contents(cluster, "node2") == cluster.backend.dump().contents


async def test_without_a_majority_the_logs_of_running_jobs_say_so() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    running = await cluster.submit(OpTestDelay(duration=100.0))
    for name in ("node2", "node3"):
        cluster.nodes[name].reachable = False
    job = cluster.submit(tag("blue"))
    await cluster.finished(job)
    later = cluster.submit(tag("red"))
    await cluster.finished(later)
    for job_id in (running, await later):
        assert [line for line in cluster.log(job_id) if line.startswith("not replicated: 1 of 3")]


async def test_with_a_majority_nothing_is_said() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    cluster.nodes["node2"].reachable = False
    await cluster.run(tag("blue"))
    job = cluster.submit(tag("red"))
    await cluster.finished(job)
    assert cluster.log(await job) == []


async def test_a_master_started_from_a_candidate_has_what_was_acknowledged() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    await cluster.run(START)
    await cluster.run(tag("blue"))
    job = await cluster.submit(OpTestDelay(duration=50.0))
    await cluster.clock.sleep(10.0)
    await cluster.kill_master()
    other = await cluster.take_over("node3")
    view = other.config.view
    assert view.cluster.tags == ("blue",)
    assert view.instance("web1").disks_active
    assert other.queue.get(job).ops[0].input["OP_ID"] == "OP_TEST_DELAY"
    assert sorted(other.queue.jobs) == [1, 2, 3]


# --- terms


async def test_each_start_is_a_term() -> None:
    cluster = SimCluster()
    assert (await cluster.master()).epoch == 1
    await cluster.kill_master()
    assert (await cluster.master()).epoch == 2
    assert [node.epoch for node in cluster.nodes.values()] == [2, 2, 2]


async def test_a_term_needs_a_majority_of_the_nodes() -> None:
    cluster = SimCluster()
    for name in ("node2", "node3"):
        cluster.nodes[name].reachable = False
    with pytest.raises(ConfigurationError, match="1 of 3 nodes") as refused:
        await cluster.master()
    assert "node2" in str(refused.value)


async def test_a_majority_is_enough() -> None:
    cluster = SimCluster()
    cluster.nodes["node3"].reachable = False
    assert (await cluster.master()).epoch == 1


async def test_without_voting_those_that_answer_are_enough() -> None:
    cluster = SimCluster(voting=False)
    for name in ("node2", "node3"):
        cluster.nodes[name].reachable = False
    assert (await cluster.master()).epoch == 1


async def test_nodes_that_come_late_are_waited_for() -> None:
    cluster = SimCluster()
    for name in ("node2", "node3"):
        cluster.nodes[name].reachable = False
    start = cluster.submit(OpTestDelay(duration=1.0))
    await cluster.clock.sleep(20.0)
    cluster.nodes["node2"].reachable = True
    await cluster.finished(start)


async def overtaken() -> tuple[SimCluster, Master, Master]:
    """A cluster with a master that goes on after another took over."""
    cluster = stopped()
    old = await cluster.master()
    await cluster.replicated()
    return cluster, old, await cluster.take_over("node2")


async def test_an_overtaken_master_can_change_no_node() -> None:
    cluster, old, _ = await overtaken()
    cluster.rpc_changes.clear()
    call = FileStorageDirCreateCall(file_storage_dir="/srv/ganeti/file-storage/x")
    node2 = cluster.view.node("node2").uuid
    with pytest.raises(StaleEpoch):
        await NodeWriter(old.access, job=1).call(node2, call)
    assert not cluster.nodes["node2"].disks.directories


async def test_an_overtaken_master_acknowledges_nothing_more() -> None:
    _, old, new = await overtaken()
    with pytest.raises(GenericError):
        await old.queue.submit([encode(tag("lost"))])
    with pytest.raises(GenericError):
        await old.queue.submit([encode(tag("lost"))])
    assert new.config.view.cluster.tags == ()


async def test_a_job_of_an_overtaken_master_goes_no_further() -> None:
    cluster = stopped()
    old = await cluster.master()
    await cluster.replicated()
    async with cluster.held_up("node1", "instance_start"):
        job_id = await cluster.submit(START)
        await cluster.clock.sleep(5.0)
        new = await cluster.take_over("node2")
    await cluster.clock.sleep(60.0)
    assert cluster.guest_states("web1") == {}
    assert new.queue.get(job_id).ops[0].result[0] == "OpExecError"
    assert old.queue.get(job_id).end_timestamp is None


async def test_the_new_master_works() -> None:
    cluster, _, new = await overtaken()
    job_id = await new.queue.submit([encode(START)])
    await cluster.clock.sleep(60.0)
    assert new.queue.get(job_id).end_timestamp is not None
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_database_that_lost_a_whole_term_is_not_gone_on_with() -> None:
    cluster = stopped()
    await cluster.master()
    await cluster.replicated()
    old = cluster.backend.dump()
    await cluster.kill_master()
    await cluster.master()
    await cluster.replicated()
    await cluster.run(START)
    await cluster.kill_master()
    cluster.backend.restore(old)
    with pytest.raises(ConfigurationError, match=r"candidate node[23] has change .* is older"):
        await cluster.master()


async def test_a_candidate_gets_what_it_lacks_of_a_large_archive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = SimCluster()
    await cluster.master()
    await cluster.replicated()
    await cluster.kill_master()
    rows = [Put(Table.ARCHIVE, str(number), b"%d" % number * 2**18) for number in range(1000, 1008)]
    cluster.backend.apply(Transaction(cluster.backend.dump().seq + 1, tuple(rows)))
    other = Transaction(cluster.nodes["node2"].backend.dump().seq + 1, (*rows[:3], *rows[7:]))
    cluster.nodes["node2"].backend.apply(other)
    staged: list[Put | Delete] = []
    stage = MemoryBackend.stage

    def note(self: MemoryBackend, writes: Iterable[Put | Delete]) -> None:
        staged.extend(writes if self is cluster.nodes["node2"].backend else ())
        stage(self, writes)

    monkeypatch.setattr(MemoryBackend, "stage", note)
    await cluster.master()
    await cluster.replicated()
    archived = [write.key for write in staged if write.table is Table.ARCHIVE]
    assert archived == [row.key for row in rows[3:7]]
    for node in ("node2", "node3"):
        # Not compared by pytest, which would show what differs, megabytes of it.
        is_same = contents(cluster, node) == cluster.backend.dump().contents
        assert is_same, node
