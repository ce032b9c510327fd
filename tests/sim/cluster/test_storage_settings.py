"""OP_CLUSTER_SET_PARAMS: where disks lie, the install image, data collectors."""

import os
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import create

NEW = "/srv/ganeti/file-storage/new"
PLAIN = {"enabled_disk_templates": ["plain"]}


def op(**parameters: Any) -> OpClusterSetParams:
    return make_op(OpClusterSetParams, **parameters)


def with_volumes() -> SimCluster:
    return SimCluster(options=PLAIN)


def volume_group(cluster: SimCluster) -> str | None:
    return cluster.view.cluster.volume_group_name


async def test_directories_are_another_for_new_disks() -> None:
    cluster = SimCluster()
    await cluster.master()
    await cluster.run(create())
    old, *_ = cluster.view.disks_of(cluster.instance("web1"))
    os.mkdir(f"{cluster.nodes['node1'].paths.rootdir}{NEW}")
    await cluster.run(op(file_storage_dir=NEW))
    await cluster.run(create(instance_name="web2"))
    new, *_ = cluster.view.disks_of(cluster.instance("web2"))
    assert cluster.view.disks[old.uuid] == old
    assert str(new.logical_id[1]).startswith(f"{NEW}/web2/")


async def test_directories_of_templates_that_are_not_enabled_may_be_unset() -> None:
    cluster = with_volumes()
    await cluster.run(op(shared_file_storage_dir="", gluster_storage_dir="/run/other"))
    found = cluster.view.cluster
    assert (found.shared_file_storage_dir, found.gluster_storage_dir) == ("", "/run/other")


async def test_a_volume_group_that_all_nodes_have_is_taken() -> None:
    cluster = SimCluster()
    group = cluster.nodes["node1"].volume_group
    (name,) = await group.group_sizes()
    await cluster.run(op(vg_name=name, enabled_disk_templates=["plain", "file"]))
    assert volume_group(cluster) == name
    await cluster.run(op(vg_name="", enabled_disk_templates=["file"]))
    assert volume_group(cluster) is None
    assert changes(cluster) == []


async def test_every_node_must_have_it_and_enough_of_it() -> None:
    cluster = with_volumes()
    text = "on node node1: volume group other missing"
    await assert_refused(cluster, op(vg_name="other"), ECode.ENVIRON, text)
    (name,) = await cluster.nodes["node1"].volume_group.group_sizes()
    cluster.nodes["node2"].volumes.capacity = 1000
    text = f"on node node2: volume group {name} too small (20480 MiB required, 1000 MiB found)"
    await assert_refused(cluster, op(vg_name=name), ECode.ENVIRON, text)


async def test_it_stays_while_volumes_lie_in_it() -> None:
    cluster = with_volumes()
    await cluster.run(create(disk_template="plain"))
    await assert_refused(cluster, op(vg_name=""), ECode.INVAL, "web1")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"file_storage_dir": "here"}, "not an absolute path"),
        ({"file_storage_dir": "", "enabled_disk_templates": ["file"]}, "cannot be unset"),
        ({"vg_name": "", "enabled_disk_templates": ["drbd"]}, "--vg-name"),
        ({"install_image": "image.raw"}, "install image 'image.raw'"),
        ({"enabled_data_collectors": {"gpu": True}}, "'gpu'"),
        ({"data_collector_interval": {"drbd": 0}}, "drbd"),
    ],
)
async def test_refuses(parameters: dict[str, Any], said: str) -> None:
    await assert_refused(SimCluster(), op(**parameters), ECode.INVAL, said)


async def test_collectors_and_image() -> None:
    cluster = SimCluster()
    await cluster.run(
        op(
            install_image="https://images.example.com/install.raw",
            enabled_data_collectors={"drbd": False},
            data_collector_interval={"drbd": 7_000_000, "lv": 1_000_000},
        )
    )
    found = cluster.view.cluster
    assert found.install_image == "https://images.example.com/install.raw"
    drbd, lv = found.data_collectors["drbd"], found.data_collectors["lv"]
    assert (drbd.active, drbd.interval) == (False, 7_000_000)
    assert (lv.active, lv.interval) == (True, 1_000_000)
    await cluster.run(op(install_image=""))
    assert cluster.view.cluster.install_image == ""
