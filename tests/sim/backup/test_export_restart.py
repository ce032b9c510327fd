"""OP_BACKUP_EXPORT of an instance that runs: its guest is stopped, and runs again."""

import asyncio

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import NodeCallError
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.instance import OpInstanceShutdown
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import MEMORY_MIB
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import failed
from tests.sim.backup.make import exports
from tests.sim.backup.test_export import DATA, KEPT, content, op, running, writing
from tests.sim.instance.make import create


async def copying(cluster: SimCluster) -> "asyncio.Task[int]":
    """An export without snapshots, held up while the guest is down."""
    job = cluster.submit(op(long_sleep=True))
    await cluster.clock.sleep(1000.0)
    assert cluster.guest_states("web1") == {}
    return job


async def warnings(cluster: SimCluster, job: "asyncio.Task[int]") -> list[str]:
    """What the job's log warns of."""
    return [line for line in cluster.log(await job) if line.startswith("Warning: ")]


def use_all_memory(cluster: SimCluster) -> None:
    """Others run on ``node1`` by now."""
    cluster.nodes["node1"].guests.put(Record("other", MEMORY_MIB, 1, 0.0))


async def test_without_snapshots_a_guest_is_down_as_long_as_it_takes() -> None:
    cluster = await running("file")
    async with cluster.held_up("node2", "chunk_write"):
        job = await copying(cluster)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_guest_that_cannot_start_again_leaves_the_export() -> None:
    cluster = await running("file")
    async with cluster.held_up("node2", "export_publish"):
        job = await copying(cluster)
        cluster.nodes["node1"].disks.disks.clear()
    await cluster.finished(job)
    (warning,) = await warnings(cluster, job)
    assert "instance web1 does not run: " in warning
    assert exports(cluster) == {"node2": ["web1"]}
    assert DATA in content(cluster, "node2").values()
    assert cluster.instance("web1").admin_state is AdminState.UP


async def test_a_guest_that_cannot_start_again_holds_up_nothing() -> None:
    cluster = await running("file")
    async with cluster.held_up("node2", "export_publish"):
        job = await copying(cluster)
        cluster.nodes["node1"].disks.disks.clear()
    await cluster.finished(job)
    assert (await cluster.master()).leftovers.lines() == []
    await cluster.run(OpInstanceShutdown(instance_name="web1", timeout=0))


async def test_a_guest_whose_memory_is_gone_leaves_the_export() -> None:
    cluster = await running("file")
    async with cluster.held_up("node2", "chunk_write"):
        job = await copying(cluster)
        use_all_memory(cluster)
    await cluster.finished(job)
    (warning,) = await warnings(cluster, job)
    assert "memory" in warning
    assert exports(cluster) == {"node2": ["web1"]}


async def test_a_guest_that_cannot_start_beside_its_snapshots_is_exported() -> None:
    cluster = await running()
    async with cluster.held_up("node1", "blockdev_snapshot"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        use_all_memory(cluster)
    await cluster.finished(job)
    (warning,) = await warnings(cluster, job)
    assert "instance web1 does not run: " in warning
    assert exports(cluster) == {"node2": ["web1"]}
    assert len(cluster.nodes["node1"].volumes.disks) == 2


async def test_a_node_that_is_gone_starts_it_when_it_is_back() -> None:
    cluster = await running("file")
    async with cluster.held_up("node2", "export_publish"):
        job = await copying(cluster)
        cluster.nodes["node1"].reachable = False
    await cluster.finished(job)
    assert exports(cluster) == {"node2": ["web1"]}
    assert cluster.guest_states("web1") == {}
    cluster.nodes["node1"].reachable = True
    await cluster.clock.sleep(60.0)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_node_that_dies_as_it_starts_the_guest_fails_it() -> None:
    cluster = await running()
    cluster.nodes["node1"].dies_after = "instance_start"
    assert isinstance(await failed(cluster, cluster.submit(op())), NodeCallError)
    assert "web1" not in exports(cluster).get("node2", [])


async def test_unwinds_a_running_guest() -> None:
    start = create(disk_template="plain", disks=[{"size": 1024}])
    await assert_unwinds(writing, op(), after=[start], spares=KEPT, may_stand=True)


async def test_unwinds_a_running_guest_without_snapshots() -> None:
    start = create(disk_template="file", disks=[{"size": 1024}])
    wanted = op(long_sleep=True)
    await assert_unwinds(writing, wanted, after=[start], spares=KEPT, may_stand=True)
