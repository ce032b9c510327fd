"""OP_INSTANCE_RECREATE_DISKS."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState, DiskMode
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceRecreateDisks
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import create, running
from tests.sim.instance.make_drbd import disks_of, drbd, footprint, mirrored, volumes

FILES = "/srv/ganeti/file-storage/web1"


def recreate(*disks: object, **parameters: Any) -> OpInstanceRecreateDisks:
    return make_op(OpInstanceRecreateDisks, instance_name="web1", disks=disks, **parameters)


def lost(*kept: int) -> SimCluster:
    """``web1``, stopped, with two file disks, of which only ``kept`` are there."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(1024, 2048))
    node = cluster.nodes["node1"].disks
    for index in {0, 1} - set(kept):
        del node.disks[f"{FILES}/{index}"]
    if not kept:
        node.directories.clear()
    return cluster


def places(cluster: SimCluster) -> list[tuple[str, int, str]]:
    """Of each disk as recorded: its place, size, UUID."""
    disks = cluster.view.disks_of(cluster.instance("web1"))
    return [(str(disk.logical_id[1]), disk.size, disk.uuid) for disk in disks]


def there(cluster: SimCluster, node: str = "node1") -> list[tuple[str, int, str]]:
    found = cluster.nodes[node].disks.disks
    return [(place, *found[place]) for place, _, _ in places(cluster) if place in found]


async def test_makes_all_of_them_again() -> None:
    cluster = lost()
    await cluster.master()
    uuids = cluster.instance("web1").disks
    await cluster.run(recreate())
    assert there(cluster) == places(cluster)
    assert [size for _, size, _ in places(cluster)] == [1024, 2048]
    assert cluster.instance("web1").disks == uuids
    assert not cluster.instance("web1").disks_active


async def test_makes_one_with_another_size_and_mode() -> None:
    cluster = lost(0)
    before = places(cluster)
    await cluster.run(recreate([1, {"size": 512, "mode": "ro"}]))
    assert places(cluster)[0] == before[0]
    assert there(cluster) == places(cluster)
    disk = cluster.view.disks_of(cluster.instance("web1"))[1]
    assert (disk.size, disk.mode) == (512, DiskMode.RO)


async def test_makes_them_on_another_node() -> None:
    cluster = lost()
    cluster.set_node("node1", offline=True)
    cluster.nodes["node1"].reachable = False
    await cluster.run(recreate(nodes=["node2"]))
    node2 = cluster.view.node("node2").uuid
    assert cluster.instance("web1").primary_node == node2
    assert all(disk.nodes == (node2,) for disk in cluster.view.disks.values())
    assert there(cluster, "node2") == places(cluster)


def with_allocator(cluster: SimCluster, *nodes: str) -> SimCluster:
    answer = {"success": True, "info": "", "result": list(nodes)}
    for node in cluster.nodes.values():
        node.put_allocator("mine", answer)
    return cluster


async def test_makes_them_where_an_allocator_says() -> None:
    cluster = with_allocator(lost(), "node3")
    job = cluster.submit(recreate(iallocator="mine"))
    await cluster.finished(job)
    node3 = cluster.view.node("node3").uuid
    assert cluster.instance("web1").primary_node == node3
    assert there(cluster, "node3") == places(cluster)
    text = "Selected nodes for instance web1 via allocator mine: node3"
    assert cluster.log(await job)[0] == text


async def test_an_allocator_chooses_for_all_disks_and_alone() -> None:
    cluster = with_allocator(lost(), "node2")
    for op, said in (
        (recreate([1, {}], iallocator="mine"), "all disks"),
        (recreate(nodes=["node2"], iallocator="mine"), "not both"),
    ):
        await assert_refused(cluster, op, ECode.INVAL, said)


async def test_an_allocator_may_not_choose_another_group() -> None:
    cluster = with_allocator(lost(), "node3")
    cluster.set_node("node3", group=cluster.add_group("rack2"))
    await assert_refused(cluster, recreate(iallocator="mine"), ECode.ENVIRON, "node group")


async def test_a_recreation_where_an_allocator_says_unwinds() -> None:
    def allocated() -> SimCluster:
        return with_allocator(lost(), "node3")

    await assert_unwinds(allocated, recreate(iallocator="mine"))


async def test_active_disks_are_active_again() -> None:
    cluster = lost(0, 1)
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    cluster.nodes["node1"].disks.disks.clear()
    await cluster.run(recreate())
    assert {key for key in cluster.footprint() if "/links/" in key} == {
        "node1/links/web1:0",
        "node1/links/web1:1",
    }


async def test_overwrites_them_where_the_cluster_wants_that() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["plain"], "prealloc_wipe_disks": True})
    await cluster.run(create(disk_template="plain", disks=[{"size": 1024}], start=False))
    cluster.nodes["node1"].volumes.disks.clear()
    cluster.rpc_changes.clear()
    await cluster.run(recreate())
    calls = [call for _, call in changes(cluster)]
    assert calls == [
        "blockdev_create",
        "blockdev_assemble",
        "blockdev_wipe",
        "blockdev_shutdown",
    ]
    ((name, _),) = cluster.nodes["node1"].volumes.disks.items()
    assert [place for place, _, _ in places(cluster)] == [name]


@pytest.mark.parametrize("secondary", ["node2", "node3"])
async def test_mirrored_ones_keep_their_port_and_secret(secondary: str) -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False, no_install=True))
    ((_, before),) = disks_of(cluster)
    for node in cluster.nodes.values():
        node.volumes.disks.clear()
    await cluster.run(recreate(nodes=["node1", secondary]))
    ((disk, after),) = disks_of(cluster)
    assert (after.port, after.secret) == (before.port, before.secret)
    names = {str(child.logical_id[1]) for child in disk.children}
    assert set(volumes(cluster.nodes["node1"])) == names
    assert set(volumes(cluster.nodes[secondary])) == names
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))


@pytest.mark.parametrize(
    ("op", "code", "said"),
    [
        (recreate(), ECode.STATE, "disk/0 is on node node1 still"),
        (recreate(1, 1), ECode.INVAL, "disk/1 of web1 is given twice"),
        (recreate(2), ECode.INVAL, "is none of 2"),
        (recreate([1, {"name": "x"}]), ECode.INVAL, "'name'"),
        (recreate(1, nodes=["node2"]), ECode.INVAL, "all disks"),
        (recreate(nodes=["node2", "node3"]), ECode.INVAL, "1 different"),
        (recreate(nodes=["node9"]), ECode.NOENT, "node9"),
        (recreate([1, {"size": 2**31}]), ECode.NORES, "node1"),
    ],
)
async def test_refuses(op: OpInstanceRecreateDisks, code: ECode, said: str) -> None:
    await assert_refused(lost(0), op, code, said)


async def test_refuses_what_runs_or_should_and_offline_nodes() -> None:
    cluster = await running()
    await assert_refused(cluster, recreate(), ECode.STATE, "up")
    await cluster.set_admin_state("web1", AdminState.DOWN)
    await assert_refused(cluster, recreate(), ECode.STATE, "is running")
    cluster = lost()
    cluster.set_node("node1", offline=True)
    await assert_refused(cluster, recreate(), ECode.STATE, "node1")
    cluster = lost()
    cluster.set_node("node2", drained=True)
    await assert_refused(cluster, recreate(nodes=["node2"]), ECode.STATE, "drained")


async def test_refuses_an_instance_without_disks() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", disks=())
    await assert_refused(cluster, recreate(), ECode.INVAL, "no disks")


async def test_a_volume_that_is_there_but_not_active_is_no_lost_one() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False, no_install=True))
    node = cluster.nodes["node2"].volumes
    name = next(iter(node.disks))
    cluster.nodes["node1"].volumes.disks.clear()
    node.disks = {name: node.disks[name]}
    await assert_refused(cluster, recreate(), ECode.STATE, "node2 still")


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(lost, recreate())
    await assert_unwinds(lost, recreate(nodes=["node2"]))
    await assert_unwinds(lambda: lost(1), recreate([0, {"size": 512}]))


async def test_mirrored_ones_unwind() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False, no_install=True))
    for node in cluster.nodes.values():
        node.volumes.disks.clear()
    before = footprint(cluster)
    async with cluster.held_up("node3", "blockdev_create"):
        job = cluster.submit(recreate(nodes=["node1", "node3"]))
        await cluster.clock.sleep(1.0)
        cluster.nodes["node3"].volumes.capacity = 10
    with pytest.raises(Exception, match="do not fit"):
        await cluster.finished(job)
    assert footprint(cluster) == before


async def test_the_secret_of_a_mirror_reaches_no_journal() -> None:
    cluster = drbd(prealloc_wipe_disks=True)
    await cluster.run(mirrored(start=False, no_install=True))
    ((_, found),) = disks_of(cluster)
    for node in cluster.nodes.values():
        node.volumes.disks.clear()
    async with cluster.held_up("node1", "blockdev_wipe"):
        job = cluster.submit(recreate(nodes=["node1", "node3"]))
        await cluster.clock.sleep(1.0)
        journal = list(cluster.backend.dump().contents[Table.JOURNAL].values())
        assert any(b"instance.place_disks" in value for value in journal)
        assert not any(found.secret.encode() in value for value in journal)
    await cluster.finished(job)
