"""OP_INSTANCE_SET_PARAMS: disks added, changed, removed, detached and attached."""

from typing import Any

import pytest

from pyganeti.model.disk import Disk
from pyganeti.model.errors import ECode, HypervisorError
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceSetParams,
    OpInstanceStartup,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import START, create, on_offline_node, running, stopped
from tests.sim.instance.make_drbd import drbd, footprint, mirrored, roles

ACTIVATE = OpInstanceActivateDisks(instance_name="web1")
FILES = "/srv/ganeti/file-storage"


def disks(*mods: tuple[object, ...], **parameters: Any) -> OpInstanceSetParams:
    wanted = {"instance_name": "web1", "ignore_ipolicy": True, **parameters}
    return make_op(OpInstanceSetParams, disks=mods, **wanted)


ADD = disks(("add", -1, {"size": 512, "name": "data"}))
REMOVE = disks(("remove", "data", {}))
DETACH = disks(("detach", "data", {}))


def with_two() -> SimCluster:
    """``web1``, stopped, with two file disks."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(1024, 2048))
    return cluster


def on_volumes(**options: Any) -> SimCluster:
    return SimCluster(options={"enabled_disk_templates": ["plain"], **options})


def recorded(cluster: SimCluster) -> list[Disk]:
    return cluster.view.disks_of(cluster.instance("web1"))


def sizes(cluster: SimCluster) -> list[int]:
    return [disk.size for disk in recorded(cluster)]


def of_guest(cluster: SimCluster) -> list[str]:
    """UUIDs of the disks that the running guest has."""
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    return list(record.disks)


def links(cluster: SimCluster) -> set[str]:
    """Links of disks, by instance and position."""
    return {key.rpartition("/")[2] for key in cluster.footprint() if "/links/" in key}


def assert_consistent(cluster: SimCluster, node: str = "node1") -> None:
    """Each disk is where its record says, and nothing else is there; the names are in order."""
    found = {str(disk.logical_id[1]): (disk.size, disk.uuid) for disk in recorded(cluster)}
    assert cluster.nodes[node].disks.disks == found
    names = [disk.iv_name for disk in recorded(cluster)]
    assert names == [f"disk/{index}" for index in range(len(names))]


async def test_adds_at_the_end_and_in_between() -> None:
    cluster = with_two()
    first = {"size": 512, "mode": "ro", "name": "a"}
    result = await cluster.run(disks(("add", 1, first), ("add", -1, {"size": 256})))
    assert result == [["disk/1", "add:size=512,mode=ro"], ["disk/3", "add:size=256,mode=rw"]]
    assert sizes(cluster) == [1024, 512, 2048, 256]
    assert (recorded(cluster)[1].mode, recorded(cluster)[1].name) == ("ro", "a")
    assert_consistent(cluster)
    assert not cluster.instance("web1").disks_active


async def test_removes_by_position_name_and_uuid() -> None:
    cluster = with_two()
    first, second = recorded(cluster)
    await cluster.run(ADD)
    assert await cluster.run(REMOVE) == [["disk/2", "remove"]]
    assert await cluster.run(disks(("remove", second.uuid, {}))) == [["disk/1", "remove"]]
    assert recorded(cluster) == [first]
    assert_consistent(cluster)
    assert set(cluster.view.disks) == {first.uuid}


async def test_with_the_last_file_goes_its_directory_and_comes_with_the_next() -> None:
    cluster = stopped()
    node = cluster.nodes["node1"].disks
    await cluster.run(disks(("remove", 0, {})))
    assert (node.disks, node.directories) == ({}, set())
    await cluster.run(ADD)
    assert node.directories == {f"{FILES}/web1"}
    assert_consistent(cluster)


async def test_changes_mode_and_name() -> None:
    cluster = with_two()
    result = await cluster.run(disks(("modify", 0, {"mode": "ro", "name": "root"})))
    assert result == [["disk.mode/0", "ro"], ["disk.name/0", "root"]]
    await cluster.run(disks(("modify", "root", {"name": "none"})))
    assert (recorded(cluster)[0].mode, recorded(cluster)[0].name) == ("ro", None)
    assert changes(cluster) == []


async def test_a_detached_disk_stays_and_can_be_attached_again() -> None:
    cluster = with_two()
    await cluster.run(ADD)
    held = recorded(cluster)[2]
    assert await cluster.run(DETACH) == [["disk/2", "detach"]]
    assert sizes(cluster) == [1024, 2048]
    assert cluster.view.disks[held.uuid].size == 512
    assert str(held.logical_id[1]) in cluster.nodes["node1"].disks.disks
    result = await cluster.run(disks(("attach", 0, {"name": "data"})))
    assert result == [["disk/0", "attach:size=512,mode=rw"]]
    assert sizes(cluster) == [512, 1024, 2048]
    assert_consistent(cluster)
    await cluster.run(disks(("detach", 0, {})))
    await cluster.run(disks(("attach", -1, {"uuid": held.uuid})))
    assert sizes(cluster) == [1024, 2048, 512]


async def test_on_volumes_and_with_a_wipe() -> None:
    cluster = on_volumes(prealloc_wipe_disks=True)
    await cluster.run(create(disk_template="plain", disks=[{"size": 1024}], start=False))
    cluster.rpc_changes.clear()
    await cluster.run(ADD)
    calls = [call for _, call in cluster.rpc_changes]
    assert calls.index("blockdev_wipe") > calls.index("blockdev_create")
    assert not cluster.instance("web1").disks_active
    volumes = {str(disk.logical_id[1]) for disk in recorded(cluster)}
    assert set(cluster.nodes["node1"].volumes.disks) == volumes
    await cluster.run(REMOVE)
    assert len(cluster.nodes["node1"].volumes.disks) == 1


@pytest.mark.parametrize(
    ("mod", "code", "said"),
    [
        (("add", -1, {}), ECode.INVAL, "no size"),
        (("add", 4, {"size": 1}), ECode.INVAL, "at 4"),
        (("add", -1, {"size": 1, "vg": "x"}), ECode.INVAL, "'vg' is not for"),
        (("add", -1, {"adopt": "/x"}), ECode.INVAL, "by new instances only"),
        (("add", -1, {"size": 1, "dev_type": "plain"}), ECode.INVAL, "one disk template"),
        (("add", -1, {"size": 1, "odd": "x"}), ECode.INVAL, "'odd'"),
        (("add", -1, {"size": 2**31}), ECode.NORES, "node1"),
        (("modify", 0, {"size": 1}), ECode.INVAL, "use grow-disk"),
        (("modify", 0, {"vg": "x"}), ECode.INVAL, "'vg' cannot be changed"),
        (("modify", "x", {"mode": "ro"}), ECode.NOENT, "'x'"),
        (("remove", 2, {}), ECode.NOENT, "no disk 2"),
        (("attach", -1, {"name": "x"}), ECode.NOENT, "'x'"),
        (("attach", -1, {"name": "x", "uuid": "y"}), ECode.INVAL, "nothing else"),
    ],
)
async def test_refuses(mod: tuple[object, ...], code: ECode, said: str) -> None:
    await assert_refused(with_two(), disks(mod), code, said)


async def test_refuses_what_policy_or_number_does_not_admit() -> None:
    await assert_refused(stopped(), disks(*[("add", -1, {"size": 1})] * 16), ECode.STATE, "16")
    op = disks(("add", -1, {"size": 1}), ignore_ipolicy=False)
    await assert_refused(stopped(), op, ECode.INVAL, "policy", "disk-size")
    twice = disks(("add", -1, {"size": 1, "name": "a"}), ("add", -1, {"size": 1, "name": "a"}))
    await assert_refused(stopped(), twice, ECode.NOTUNIQUE, "same name")
    number = disks(("modify", 0, {"name": "1"}))
    await assert_refused(stopped(), number, ECode.INVAL, "'1' is no name")
    cluster = stopped()
    uuid = cluster.view.disks_of(cluster.instance("web1"))[0].uuid
    another = disks(("add", -1, {"size": 1, "name": uuid}))
    await assert_refused(cluster, another, ECode.INVAL, f"'{uuid}' is no name", "UUID")
    await assert_refused(on_offline_node(), ADD, ECode.STATE, "node2")
    both = disks(("add", -1, {"size": 1}), pnode="node2")
    await assert_refused(stopped(), both, ECode.INVAL, "primary node")


async def test_refuses_to_attach_what_is_elsewhere_or_somebodys() -> None:
    cluster = with_two()
    cluster.add_instance("web2", node="node2", disks=(100, 200))
    await cluster.master()
    one, other = cluster.view.disks_of(cluster.instance("web2"))
    await assert_refused(cluster, disks(("attach", -1, {"uuid": one.uuid})), ECode.STATE, one.uuid)
    await cluster.run(disks(("detach", other.uuid, {}), instance_name="web2"))
    attach = disks(("attach", -1, {"uuid": other.uuid}))
    await assert_refused(cluster, attach, ECode.INVAL, "node2", "not on the nodes")


# --- in use


async def test_a_running_guest_gets_and_loses_them_at_once() -> None:
    cluster = await running()
    steps = (
        disks(("add", 0, {"size": 512, "name": "data"})),
        disks(("add", -1, {"size": 256})),
        DETACH,
        disks(("attach", 1, {"name": "data"})),
        REMOVE,
    )
    for op in steps:
        await cluster.run(op)
        assert of_guest(cluster) == [disk.uuid for disk in recorded(cluster)]
        assert links(cluster) == {f"web1:{index}" for index in range(len(recorded(cluster)))}
    assert_consistent(cluster)


async def test_active_disks_of_a_stopped_instance_are_linked_in_their_order() -> None:
    cluster = with_two()
    await cluster.run(ACTIVATE)
    await cluster.run(disks(("add", 0, {"size": 512}), ("remove", -1, {})))
    assert links(cluster) == {"web1:0", "web1:1"}
    await cluster.run(disks(("remove", 0, {})))
    assert links(cluster) == {"web1:0"}
    assert cluster.instance("web1").disks_active


async def test_without_hotplug_a_running_guest_keeps_its_disks() -> None:
    cluster = await running()
    for action in ("remove", "detach"):
        op = disks((action, 0, {}), hotplug=False)
        await assert_refused(cluster, op, ECode.STATE, "running")
    first = disks(("add", 0, {"size": 512}), hotplug=False)
    await assert_refused(cluster, first, ECode.STATE, "at the end")
    before = of_guest(cluster)
    await cluster.run(disks(("add", -1, {"size": 512}), hotplug=False))
    assert of_guest(cluster) == before
    assert sizes(cluster) == [1024, 512]


async def test_a_disk_that_the_guest_does_not_release_is_kept() -> None:
    cluster = stopped()
    await cluster.run(OpInstanceStartup(instance_name="web1", startup_paused=True))
    before = cluster.footprint()
    assert isinstance(await fails(cluster, disks(("remove", 0, {}))), HypervisorError)
    assert cluster.footprint() == before


# --- mirrored


async def test_a_mirrored_disk_comes_with_its_mirror_and_goes_with_it() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False, no_install=True))
    before = footprint(cluster)
    await cluster.run(ADD)
    assert sizes(cluster) == [1024, 512]
    assert len(cluster.nodes["node2"].volumes.disks) == 4
    assert roles(cluster)["node1"] == []  # it was not active before
    await cluster.run(REMOVE)
    assert footprint(cluster) == before


async def test_a_mirrored_disk_is_added_to_a_running_guest() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    await cluster.run(ADD)
    assert roles(cluster)["node1"] == [("UpToDate", True)] * 2
    assert of_guest(cluster) == [disk.uuid for disk in recorded(cluster)]
    await cluster.run(REMOVE)
    assert roles(cluster)["node1"] == [("UpToDate", True)]


# --- faults


async def test_adding_unwinds_from_every_fault_point() -> None:
    op = disks(("add", 0, {"size": 512, "name": "data"}), ("modify", 1, {"mode": "ro"}))
    await assert_unwinds(with_two, op)


async def test_adding_to_a_running_guest_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(with_two, disks(("add", 0, {"size": 512})), after=[START])


async def test_adding_to_active_disks_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(with_two, disks(("add", 0, {"size": 512})), after=[ACTIVATE])


async def test_detaching_and_attaching_unwind_from_every_fault_point() -> None:
    await assert_unwinds(with_two, DETACH, after=[ADD, START])
    attach = disks(("attach", 0, {"name": "data"}))
    await assert_unwinds(with_two, attach, after=[ADD, DETACH, START])


async def test_removing_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(with_two, REMOVE, after=[ADD])
    await assert_repeatable(with_two, REMOVE, after=[ADD, START])


async def test_adding_a_wiped_volume_unwinds_from_every_fault_point() -> None:
    made = create(disk_template="plain", disks=[{"size": 1024}], start=False)
    await assert_unwinds(lambda: on_volumes(prealloc_wipe_disks=True), ADD, after=[made])
