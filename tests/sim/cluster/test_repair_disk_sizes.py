"""OP_CLUSTER_REPAIR_DISK_SIZES."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterRepairDiskSizes, OpClusterVerifyGroup
from pyganeti.opcodes.instance import OpInstanceActivateDisks
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import drbd, mirrored
from tests.sim.instance.make_ext import array, ext
from tests.sim.instance.test_exclusive import exclusive, lvm, plain

REPAIR = OpClusterRepairDiskSizes()
FILES = "/srv/ganeti/file-storage"


def sizes(cluster: SimCluster, name: str = "web1") -> list[int]:
    """As recorded."""
    return [disk.size for disk in cluster.view.disks_of(cluster.instance(name))]


def grown() -> SimCluster:
    """Two instances; the second disk of ``web1`` is larger than recorded."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(1024, 2048))
    cluster.add_instance("web2", disks=(512,))
    disks = cluster.nodes["node1"].disks.disks
    disks[f"{FILES}/web1/1"] = (3000, disks[f"{FILES}/web1/1"][1])
    return cluster


async def repaired(cluster: SimCluster, *names: str) -> tuple[Any, list[str]]:
    """Result and log of the job."""
    job = cluster.submit(OpClusterRepairDiskSizes(instances=names))
    result = await cluster.finished(job)
    return result, cluster.log(await job)


async def test_records_what_the_nodes_see() -> None:
    cluster = grown()
    assert not await cluster.run(OpClusterVerifyGroup(group_name="default"))
    result, log = await repaired(cluster)
    assert result == [["web1", 1, "size", 3000]]
    assert log == ["disk/1 of instance web1: size is 3000, 2048 was recorded"]
    assert (sizes(cluster), sizes(cluster, "web2")) == ([1024, 3000], [512])
    assert changes(cluster) == []
    assert await cluster.run(OpClusterVerifyGroup(group_name="default"))
    assert await repaired(cluster) == ([], [])


async def test_looks_at_the_named_ones_only() -> None:
    cluster = grown()
    assert await repaired(cluster, "web2") == ([], [])
    assert (await repaired(cluster, "web1"))[0] == [["web1", 1, "size", 3000]]


async def test_what_cannot_be_seen_stays() -> None:
    cluster = grown()
    del cluster.nodes["node1"].disks.disks[f"{FILES}/web2/0"]
    _result, log = await repaired(cluster)
    assert "Warning: disk/0 of instance web2 is not there, its size stays as recorded" in log
    assert sizes(cluster, "web2") == [512]


async def test_nodes_that_do_not_answer_are_named() -> None:
    cluster = SimCluster()
    await cluster.run(create(pnode="node2", start=False))
    cluster.nodes["node2"].reachable = False
    result, log = await repaired(cluster)
    assert result == []
    assert log[0].startswith("Warning: node node2 cannot say how large its disks are: ")


async def test_a_mirror_is_measured_by_its_device() -> None:
    cluster = drbd()
    await cluster.run(mirrored({"size": 64}, start=False))
    result, log = await repaired(cluster)
    assert (result, "is not active" in log[0]) == ([], True)
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert await repaired(cluster) == ([], [])


async def test_external_volumes_are_not_attached_for_it() -> None:
    cluster = array()
    await cluster.run(ext({"size": 64, "provider": "array"}, start=False))
    cluster.nodes["node1"].provider.ran.clear()
    _result, log = await repaired(cluster)
    assert "is not active" in log[0]
    assert cluster.nodes["node1"].provider.ran == []


async def test_spindles_are_counted_where_they_are_given_away() -> None:
    cluster = exclusive()
    await cluster.run(plain({"size": 2048, "spindles": 2}))
    (volume,) = lvm(cluster).volumes.values()
    volume.places["/dev/sdc"] = volume.places.pop("/dev/sdb")
    assert await repaired(cluster) == ([], [])
    volume.places["/dev/sda"] -= 1
    volume.places["/dev/sdd"] = 1
    result, log = await repaired(cluster)
    assert result == [["web1", 0, "spindles", 3]]
    assert "disk/0 of instance web1: spindles is 3, 2 was recorded" in log


async def test_refuses_unknown_instances() -> None:
    op = OpClusterRepairDiskSizes(instances=("nosuch",))
    await assert_refused(SimCluster(), op, ECode.NOENT, "nosuch")


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(grown, REPAIR)


@pytest.mark.parametrize("size", [1024, 500])
async def test_smaller_ones_are_recorded_as_well(size: int) -> None:
    cluster = grown()
    disks = cluster.nodes["node1"].disks.disks
    disks[f"{FILES}/web1/1"] = (size, disks[f"{FILES}/web1/1"][1])
    assert (await repaired(cluster))[0] == [["web1", 1, "size", size]]
