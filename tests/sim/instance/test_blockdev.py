"""Instances on block devices that exist already."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode, StorageError
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceGrowDisk, OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make import create

LUN = "/dev/disk/by-id/lun-7"


def with_device() -> SimCluster:
    """Three nodes; the first sees a device."""
    cluster = SimCluster(options={"enabled_disk_templates": ["blockdev"]})
    cluster.nodes["node1"].devices.sizes[LUN] = 2048
    return cluster


def adopt(path: str = LUN, **parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """An instance on a device."""
    return create(disk_template="blockdev", disks=[{"adopt": path, "size": 0}], **parameters)


async def test_adopts_a_device_and_leaves_it() -> None:
    cluster = with_device()
    await cluster.run(adopt())
    (disk,) = cluster.view.disks_of(cluster.instance("web1"))
    assert (disk.logical_id, disk.size) == (("manual", LUN), 2048)
    assert cluster.guest_states("web1") == {"node1": "running"}
    await cluster.run(OpInstanceRemove(instance_name="web1", shutdown_timeout=0))
    assert cluster.nodes["node1"].devices.sizes == {LUN: 2048}


async def test_an_adoption_unwinds() -> None:
    await assert_unwinds(with_device, adopt())


@pytest.mark.parametrize(
    ("disks", "code", "said"),
    [
        ([{"adopt": "/dev/disk/by-id/lun-8"}], ECode.ENVIRON, "lun-8: No such file"),
        ([{"size": 64}], ECode.INVAL, "adopt=PATH"),
        ([{"adopt": LUN, "vg": "xenvg"}], ECode.INVAL, "vg"),
        ([{"adopt": LUN}, {"adopt": LUN}], ECode.INVAL, "twice"),
    ],
)
async def test_refuses(disks: list[dict[str, Any]], code: ECode, said: str) -> None:
    op = create(disk_template="blockdev", disks=disks)
    await assert_refused(with_device(), op, code, said)


async def test_a_device_has_one_instance() -> None:
    cluster = with_device()
    await cluster.run(adopt())
    op = adopt(name="web2")
    await assert_refused(cluster, op, ECode.NOTUNIQUE, "is an instance's already")


async def test_devices_do_not_grow() -> None:
    cluster = with_device()
    await cluster.run(adopt())
    op = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=64)
    assert isinstance(await fails(cluster, op), StorageError)
