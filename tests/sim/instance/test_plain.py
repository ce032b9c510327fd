"""Instances on logical volumes: made, adopted, grown, removed."""

import re
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceGrowDisk, OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)


def lvm(**options: Any) -> SimCluster:  # Any: options as for gnt-cluster init
    """Three nodes with the volume group ``xenvg``."""
    return SimCluster(options={"enabled_disk_templates": ["plain"], **options})


def with_volumes() -> SimCluster:
    """The same; ``node1`` has volumes that are nobody's."""
    cluster = lvm()
    cluster.nodes["node1"].volumes.disks.update({"old0": (512, ""), "old1": (256, "")})
    return cluster


def plain(*disks: dict[str, Any], **parameters: Any) -> OpInstanceCreate:
    """An instance on volumes."""
    parameters = {"disk_template": "plain", "ignore_ipolicy": True, **parameters}
    return create(disks=list(disks), **parameters)


ADOPT = plain({"adopt": "old0", "size": 0}, {"adopt": "xenvg/old1"}, start=False)


def volumes(cluster: SimCluster, node: str = "node1") -> dict[str, int]:
    """Size of each volume in MiB."""
    return {name: size for name, (size, _) in cluster.nodes[node].volumes.disks.items()}


async def test_makes_volumes_and_notes_whose_they_are() -> None:
    cluster = lvm()
    await cluster.run(plain({"size": 1024}, {"size": 64, "vg": "xenvg"}))
    disks = cluster.view.disks_of(cluster.instance("web1"))
    assert [disk.logical_id[0] for disk in disks] == ["xenvg", "xenvg"]
    names = [str(disk.logical_id[1]) for disk in disks]
    assert all(re.fullmatch(rf"[0-9a-f-]{{36}}\.disk{n}", name) for n, name in enumerate(names))
    assert volumes(cluster) == {names[0]: 1024, names[1]: 64}
    assert cluster.nodes["node1"].volumes.info == dict.fromkeys(names, "web1")
    assert cluster.nodes["node1"].disks.directories == set()


async def test_grows_and_removes_volumes() -> None:
    cluster = lvm()
    await cluster.run(plain({"size": 1024}))
    await cluster.run(OpInstanceGrowDisk(instance_name="web1", disk=0, amount=512))
    assert list(volumes(cluster).values()) == [1536]
    await cluster.run(REMOVE)
    assert volumes(cluster) == {}


async def test_a_creation_unwinds() -> None:
    await assert_unwinds(lvm, plain({"size": 1024}, {"size": 64}))


async def test_adopts_volumes_as_they_are() -> None:
    cluster = with_volumes()
    await cluster.run(ADOPT)
    disks = cluster.view.disks_of(cluster.instance("web1"))
    assert [disk.size for disk in disks] == [512, 256]
    assert volumes(cluster) == {str(disk.logical_id[1]): disk.size for disk in disks}
    node = cluster.nodes["node1"]
    assert {uuid for _, uuid in node.volumes.disks.values()} == {disk.uuid for disk in disks}
    assert {path.rpartition("/")[2] for path in node.programs.paths()} <= {"verify"}
    await cluster.run(REMOVE)
    assert volumes(cluster) == {}


async def test_what_is_adopted_is_not_wiped() -> None:
    cluster = lvm(prealloc_wipe_disks=True)
    cluster.nodes["node1"].volumes.disks.update({"old0": (512, "")})
    await cluster.run(plain({"adopt": "old0"}, start=False))
    assert "blockdev_wipe" not in [call for _, call in cluster.rpc_changes]


async def test_an_adoption_unwinds() -> None:
    await assert_unwinds(with_volumes, ADOPT)


@pytest.mark.parametrize(
    ("disks", "code", "said"),
    [
        ([{"adopt": "old9"}], ECode.INVAL, "no volume xenvg/old9"),
        ([{"adopt": "old0"}, {"size": 64}], ECode.INVAL, "all disks"),
        ([{"adopt": "old0"}, {"adopt": "xenvg/old0"}], ECode.INVAL, "adopted twice"),
        ([{"adopt": "old1"}], ECode.STATE, "old1 on node node1 is in use"),
        ([{"adopt": "other/old0"}], ECode.ENVIRON, "other"),
        ([{"size": 64, "vg": "other"}], ECode.ENVIRON, "no volume group other"),
        ([{"size": 64, "metavg": "xenvg"}], ECode.INVAL, "metavg"),
        ([{"size": 64, "colour": "red"}], ECode.INVAL, "colour"),
        ([{}], ECode.INVAL, "no size"),
        ([{"size": 1 << 30}], ECode.NORES, "free 1047808 MiB"),
    ],
)
async def test_refuses(disks: list[dict[str, Any]], code: ECode, said: str) -> None:
    cluster = with_volumes()
    cluster.nodes["node1"].volume_group.in_use.add("old1")
    await assert_refused(cluster, plain(*disks, start=False), code, said)


async def test_refuses_another_instances_volume() -> None:
    cluster = with_volumes()
    await cluster.run(plain({"adopt": "old0"}, start=False))
    (disk,) = cluster.view.disks_of(cluster.instance("web1"))
    op = plain({"adopt": disk.logical_id[1]}, name="web2")
    await assert_refused(cluster, op, ECode.NOTUNIQUE, "is an instance's already")


async def test_files_are_not_adopted() -> None:
    op = create(disks=[{"adopt": "old0"}])
    await assert_refused(SimCluster(), op, ECode.INVAL, "file cannot adopt")
