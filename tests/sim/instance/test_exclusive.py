"""Exclusive storage: volumes that have physical volumes for themselves."""

from typing import Any

import pytest

from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams, OpClusterVerifyGroup
from pyganeti.opcodes.instance import (
    OpInstanceCreate,
    OpInstanceGrowDisk,
    OpInstanceMove,
    OpInstanceRecreateDisks,
    OpInstanceRemove,
    OpInstanceSetParams,
)
from pyganeti.opcodes.query import OpQuery
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.lvm import SimLvm, SimVolume
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import known

PV = 10240
USABLE = PV * 98 // 100
VERIFY = OpClusterVerifyGroup(group_name="default")


def exclusive(*, on: bool = True, templates: tuple[str, ...] = ("plain", "drbd")) -> SimCluster:
    """Three nodes, each with four physical volumes of 10 GiB."""
    options = {"enabled_disk_templates": list(templates), "ndparams": {"exclusive_storage": on}}
    cluster = SimCluster(options=options)
    for node in cluster.nodes.values():
        node.use_lvm({f"/dev/sd{letter}": PV for letter in "abcd"})
    return cluster


def plain(*disks: dict[str, Any], **parameters: Any) -> OpInstanceCreate:
    """An instance on volumes."""
    return create(disks=list(disks), **{"disk_template": "plain", **parameters})


def lvm(cluster: SimCluster, node: str = "node1") -> SimLvm:
    """What LVM has there."""
    found = cluster.nodes[node].lvm
    assert found is not None
    return found


def places(cluster: SimCluster) -> list[list[str]]:
    """The physical volumes of each disk of the instance."""
    disks = cluster.view.disks_of(cluster.instance("web1"))
    return [sorted(lvm(cluster).volumes[str(disk.logical_id[1])].places) for disk in disks]


async def test_a_disk_is_spread_over_all_its_spindles() -> None:
    cluster = exclusive()
    await cluster.run(plain({"size": 2048, "spindles": 2}, {"size": 1024, "spindles": 1}))
    assert places(cluster) == [["/dev/sda", "/dev/sdb"], ["/dev/sdc"]]
    assert [disk.spindles for disk in cluster.view.disks_of(cluster.instance("web1"))] == [2, 1]
    assert await cluster.run(VERIFY)
    query = OpQuery(what=QueryResource.NODE, fields=("name", "dfree", "spfree", "sptotal"))
    rows = [[cell[1] for cell in row] for row in (await cluster.run(query))["data"]]
    assert rows[0] == ["node1", USABLE, 1, 4]
    assert rows[1] == ["node2", 4 * USABLE, 4, 4]


async def test_shared_volumes_are_as_before() -> None:
    cluster = exclusive(on=False)
    await cluster.run(plain({"size": 2048}, {"size": 1024}))
    assert places(cluster) == [["/dev/sda"], ["/dev/sda"]]
    assert await cluster.run(VERIFY)


async def test_a_disk_grows_on_its_own_spindles_only() -> None:
    cluster = exclusive()
    await cluster.run(plain({"size": 4096, "spindles": 1}))
    await cluster.run(OpInstanceGrowDisk(instance_name="web1", disk=0, amount=4096))
    assert places(cluster) == [["/dev/sda"]]
    before = cluster.footprint()
    op = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=4096)
    text = str(await fails(cluster, op))
    assert "4096 MiB do not fit on the spindles of xenvg/" in text
    assert "which have 2048 MiB free" in text
    assert cluster.footprint() == before


async def test_disks_are_added_and_made_anew_on_spindles() -> None:
    cluster = exclusive()
    await cluster.run(plain({"size": 1024, "spindles": 2}, start=False))
    add = OpInstanceSetParams(
        instance_name="web1", disks=(("add", -1, {"size": 1024, "spindles": 1}),)
    )
    await cluster.run(add)
    assert places(cluster) == [["/dev/sda", "/dev/sdb"], ["/dev/sdc"]]
    lvm(cluster).volumes.clear()
    await cluster.run(OpInstanceRecreateDisks(instance_name="web1"))
    assert places(cluster) == [["/dev/sda", "/dev/sdb"], ["/dev/sdc"]]
    await cluster.run(OpInstanceRemove(instance_name="web1", shutdown_timeout=0))
    assert lvm(cluster).volumes == {}


@pytest.mark.parametrize(
    ("disks", "code", "said"),
    [
        ([{"size": 1024}], ECode.INVAL, "disk/0: node node1 has exclusive storage, say how many"),
        ([{"size": 1024, "spindles": 0}], ECode.INVAL, "say how many spindles"),
        ([{"size": 1024, "spindles": 5}], ECode.NORES, "wanted 5, empty 4"),
        (
            [{"size": 1024, "spindles": 3}, {"size": 1024, "spindles": 2}],
            ECode.NORES,
            "not enough spindles on node node1 in xenvg: wanted 5, empty 4",
        ),
        (
            [{"size": PV, "spindles": 1}],
            ECode.NORES,
            f"{PV} MiB do not fit on 1 spindles of {USABLE} MiB in xenvg on node node1: at least 2",
        ),
        ([{"adopt": "old0"}], ECode.INVAL, "is not adopted"),
        ([{"size": 1024, "spindles": "two"}], ECode.INVAL, "spindles"),
        ([{"size": 1024, "spindles": 1, "vg": "other"}], ECode.ENVIRON, "no volume group other"),
    ],
)
async def test_refuses(disks: list[dict[str, Any]], code: ECode, said: str) -> None:
    cluster = exclusive()
    if "adopt" in disks[0]:
        lvm(cluster).volumes["old0"] = SimVolume({"/dev/sda": 256})
    await assert_refused(cluster, plain(*disks, start=False), code, said)


async def test_spindles_are_for_exclusive_storage() -> None:
    cluster = exclusive(on=False, templates=("plain", "file"))
    said = "spindles are given, but disks of template plain on node node1 have no exclusive storage"
    await assert_refused(cluster, plain({"size": 1024, "spindles": 1}), ECode.INVAL, said)
    on = exclusive(templates=("file",))
    op = create(disks=[{"size": 1024, "spindles": 1}])
    await assert_refused(on, op, ECode.INVAL, "spindles are given, but disks of template file")


async def test_mirrors_have_no_exclusive_storage() -> None:
    op = plain({"size": 1024}, disk_template="drbd", snode="node2")
    await assert_refused(exclusive(), op, ECode.INVAL, "which drbd disks cannot use")


async def test_policies_limit_spindles_and_not_their_estimate() -> None:
    cluster = exclusive()
    wide = {"memory-size": 128, "cpu-count": 1, "disk-count": 1, "disk-size": 1024, "nic-count": 1}
    high = {key: value * 16 for key, value in wide.items()}
    pair = {"min": {**wide, "spindle-use": 1}, "max": {**high, "spindle-use": 2}}
    await cluster.run(OpClusterSetParams(ipolicy={"minmax": [pair]}))
    beparams = {"spindle_use": 9}
    op = plain({"size": 1024, "spindles": 2}, {"size": 1024, "spindles": 1}, beparams=beparams)
    await assert_refused(cluster, op, ECode.INVAL, "spindle-use value 3 is not in range [1, 2]")
    await cluster.run(plain({"size": 1024, "spindles": 2}, beparams=beparams))


async def test_verify_names_what_does_not_go_with_it() -> None:
    cluster = exclusive(on=False)
    await cluster.run(plain({"size": 1024}, {"size": 1024}))
    await cluster.run(OpClusterSetParams(ndparams={"exclusive_storage": True}))
    job = await cluster.submit(VERIFY)
    assert not await cluster.finished(known(job))
    said = "\n".join(cluster.log(job))
    first, second = sorted(lvm(cluster).volumes)
    text = f"physical volume /dev/sda of xenvg is shared by volumes {first}, {second}"
    assert f"node node1: exclusive storage: {text}" in said
    assert "instance web1: number of spindles of disk/0 is not known" in said


async def test_verify_names_physical_volumes_of_different_sizes() -> None:
    cluster = exclusive()
    cluster.nodes["node2"].use_lvm({"/dev/sda": PV, "/dev/sdb": PV - 40, "/dev/sdc": PV * 2})
    job = await cluster.submit(VERIFY)
    assert not await cluster.finished(known(job))
    text = "differ in size: /dev/sdb has 10200 MiB, /dev/sdc has 20480 MiB"
    assert text in "\n".join(cluster.log(job))


async def test_a_creation_unwinds() -> None:
    await assert_unwinds(exclusive, plain({"size": 1024, "spindles": 2}))


async def test_an_instance_is_moved_to_as_many_spindles() -> None:
    cluster = exclusive()
    await cluster.run(plain({"size": 1024, "spindles": 2}, start=False))
    lvm(cluster, "node2").volumes["other"] = SimVolume(
        {"/dev/sda": 1, "/dev/sdb": 1, "/dev/sdc": 1}
    )
    op = OpInstanceMove(instance_name="web1", target_node="node2", shutdown_timeout=0)
    await assert_refused(cluster, op, ECode.NORES, "node2 in xenvg: wanted 2, empty 1")
