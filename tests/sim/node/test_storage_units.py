"""OP_NODE_QUERY_STORAGE, OP_NODE_QUERYVOLS, OP_NODE_MODIFY_STORAGE, OP_REPAIR_NODE_STORAGE."""

import os
from typing import Any

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.model.enums import StorageType
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.node import (
    OpNodeModifyStorage,
    OpNodeQueryStorage,
    OpNodeQueryvols,
    OpRepairNodeStorage,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.lvm import SimVolume
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import drbd, mirrored

ALL = ("node", "type", "name", "size", "used", "free", "allocatable")
ON_NODE2: dict[str, Any] = {"pnode": "node2", "ignore_ipolicy": True}  # Any: parameters
PV, VG = StorageType.LVM_PV, StorageType.LVM_VG
CLOSE = OpNodeModifyStorage(
    node_name="node2", storage_type=PV, name="/dev/sdb", changes={"allocatable": False}
)
REPAIR = OpRepairNodeStorage(node_name="node2", storage_type=VG, name="xenvg")


def lvm() -> SimCluster:
    """Three nodes with two physical volumes each."""
    cluster = SimCluster(options={"enabled_disk_templates": ["plain", "file"]})
    for node in cluster.nodes.values():
        node.use_lvm({"/dev/sdb": 1024, "/dev/sda": 512})
    return cluster


def lost() -> SimCluster:
    """The same, one physical volume of ``node2`` is gone."""
    cluster = lvm()
    books = cluster.nodes["node2"].lvm
    assert books is not None
    books.missing.add("/dev/sda")
    return cluster


def query(*fields: str, **parameters: Any) -> OpNodeQueryStorage:  # Any: opcode parameters
    return make_op(OpNodeQueryStorage, output_fields=fields or ALL, **parameters)


async def test_physical_volumes_by_node_and_name() -> None:
    cluster = lvm()
    await cluster.run(CLOSE)
    await cluster.run(create(disk_template="plain", disks=[{"size": 256}], **ON_NODE2))
    assert await cluster.run(query(storage_type=PV, nodes=("node2", "node1"))) == [
        ["node1", "lvm-pv", "/dev/sda", 512, 0, 512, True],
        ["node1", "lvm-pv", "/dev/sdb", 1024, 0, 1024, True],
        ["node2", "lvm-pv", "/dev/sda", 512, 256, 256, True],
        ["node2", "lvm-pv", "/dev/sdb", 1024, 0, 1024, False],
    ]


async def test_volume_groups_are_the_default_where_disks_lie_in_them() -> None:
    cluster = lvm()
    rows = await cluster.run(query("name", "size", "node", nodes=("node3",)))
    assert rows == [["xenvg", 1536, "node3"]]


async def test_directories_count_what_lies_in_them() -> None:
    cluster = lvm()
    node = cluster.nodes["node1"]
    directory = f"{node.paths.rootdir}/srv/ganeti/file-storage/web1"
    os.makedirs(directory)
    write_atomic(f"{directory}/0", b"x" * (3 << 20), mode=0o600)
    os.symlink("/etc/passwd", f"{directory}/1")
    ((name, used, node_name),) = await cluster.run(
        query("name", "used", "node", storage_type=StorageType.FILE, nodes=("node1",))
    )
    assert (name, node_name) == ("/srv/ganeti/file-storage", "node1")
    assert used in (3, 4)


async def test_one_unit_by_name() -> None:
    cluster = lvm()
    rows = await cluster.run(query("node", storage_type=PV, name="/dev/sda"))
    assert rows == [["node1"], ["node2"], ["node3"]]
    assert await cluster.run(query("node", storage_type=PV, name="/dev/sdx")) == []


@pytest.mark.parametrize("op", [query(storage_type=PV), OpNodeQueryvols(output_fields=("node",))])
async def test_offline_nodes_are_left_out_and_silent_ones_named(op: Opcode) -> None:
    cluster = lvm()
    cluster.set_node("node2", offline=True, master_candidate=False)
    await cluster.master()
    cluster.nodes["node3"].reachable = False
    job = cluster.submit(op)
    rows = await cluster.finished(job)
    assert {"node2", "node3"}.isdisjoint({row[0] for row in rows})
    assert any("node3 does not tell" in line for line in cluster.log(await job))
    assert not any("node2" in line for line in cluster.log(await job))
    calls = ("storage_list", "node_volumes")
    assert not any(name == "node2" for name, call in cluster.rpc_reads if call in calls)


async def test_volumes_and_whose_they_are() -> None:
    cluster = lvm()
    await cluster.run(create(disk_template="plain", disks=[{"size": 1280}], **ON_NODE2))
    books = cluster.nodes["node2"].lvm
    assert books is not None
    (name,) = books.volumes
    books.volumes["left.over"] = SimVolume({"/dev/sdb": 4})
    fields = ("node", "phys", "vg", "name", "size", "instance")
    rows = await cluster.run(OpNodeQueryvols(output_fields=fields))
    assert rows == [
        ["node2", "/dev/sda", "xenvg", name, "1280", "web1"],
        ["node2", "/dev/sdb", "xenvg", name, "1280", "web1"],
        ["node2", "/dev/sdb", "xenvg", "left.over", "16", "-"],
    ]


async def test_a_closed_physical_volume_takes_nothing_until_it_is_open_again() -> None:
    cluster = lvm()
    books = cluster.nodes["node2"].lvm
    assert books is not None
    for allocatable, closed in ((False, {"/dev/sdb"}), (False, {"/dev/sdb"}), (True, set())):
        op = make_op(
            OpNodeModifyStorage,
            node_name="node2",
            storage_type=PV,
            name="/dev/sdb",
            changes={"allocatable": allocatable},
        )
        await cluster.run(op)
        assert books.closed == closed


async def test_a_group_is_repaired_once_nothing_needs_what_is_gone() -> None:
    cluster = lost()
    books = cluster.nodes["node2"].lvm
    assert books is not None
    books.volumes["web1.disk0"] = SimVolume({"/dev/sda": 4})
    assert "partial" in str(await fails(cluster, REPAIR))
    del books.volumes["web1.disk0"]
    await cluster.run(REPAIR)
    assert not books.missing
    await cluster.run(REPAIR)


REFUSALS: list[tuple[Opcode, ECode, str]] = [
    (query("name", "colour"), ECode.INVAL, "colour"),
    (query(nodes=("node9",)), ECode.NOENT, "node9"),
    (query(storage_type=StorageType.SHAREDFILE), ECode.INVAL, "no enabled disk template"),
    (query(storage_type=StorageType.RADOS), ECode.INVAL, "do not report"),
    (OpNodeQueryvols(output_fields=("free",)), ECode.INVAL, "free"),
    (OpNodeQueryvols(output_fields=("name",), nodes=("node9",)), ECode.NOENT, "node9"),
    (
        OpNodeModifyStorage(node_name="node2", storage_type=VG, name="xenvg", changes={}),
        ECode.INVAL,
        "only lvm-pv",
    ),
    (
        OpNodeModifyStorage(node_name="node2", storage_type=PV, name="/dev/sdb", changes={}),
        ECode.INVAL,
        "allocatable",
    ),
    (
        OpNodeModifyStorage(
            node_name="node2", storage_type=PV, name="/dev/sdb", changes={"size": 1}
        ),
        ECode.INVAL,
        "size",
    ),
    (
        OpNodeModifyStorage(
            node_name="node2", storage_type=PV, name=None, changes={"allocatable": True}
        ),
        ECode.INVAL,
        "name the physical volume",
    ),
    (
        OpRepairNodeStorage(node_name="node2", storage_type=PV, name="/dev/sdb"),
        ECode.INVAL,
        "only lvm-vg",
    ),
    (
        OpRepairNodeStorage(node_name="node2", storage_type=VG, name=None),
        ECode.INVAL,
        "name the volume group",
    ),
]


@pytest.mark.parametrize(("op", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(op: Opcode, code: ECode, said: str) -> None:
    await assert_refused(lvm(), op, code, said)


@pytest.mark.parametrize("op", [CLOSE, REPAIR])
async def test_an_offline_node_is_not_touched(op: Opcode) -> None:
    cluster = lvm()
    cluster.set_node("node2", offline=True, master_candidate=False)
    await assert_refused(cluster, op, ECode.STATE, "node2 is marked offline")


async def test_a_name_that_is_no_physical_volume_runs_nothing() -> None:
    cluster = lvm()
    op = OpNodeModifyStorage(
        node_name="node2", storage_type=PV, name="--all", changes={"allocatable": False}
    )
    assert "no physical volume '--all'" in str(await fails(cluster, op))
    op = OpNodeModifyStorage(
        node_name="node2", storage_type=PV, name="/dev/sdx", changes={"allocatable": False}
    )
    assert "/dev/sdx" in str(await fails(cluster, op))
    repair = OpRepairNodeStorage(node_name="node2", storage_type=VG, name="--force")
    assert "--force" in str(await fails(cluster, repair))


async def test_refuses_while_the_other_half_of_a_mirror_is_the_bad_one() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    (device,) = cluster.nodes["node1"].drbd.devices.values()
    device.data = device.meta = ""
    await assert_refused(cluster, REPAIR, ECode.STATE, "web1", "faulty disks on node node1")
    job = cluster.submit(make_op(type(REPAIR), **{**_fields(REPAIR), "ignore_consistency": True}))
    await cluster.finished(job)
    assert any("Warning: instance web1 has faulty" in line for line in cluster.log(await job))


async def test_dry_runs_say_what_they_would_do() -> None:
    cluster = lvm()
    for op in (CLOSE, REPAIR):
        job = cluster.submit(make_op(type(op), **{**_fields(op), "dry_run": True}))
        await cluster.finished(job)
        assert any("node2" in line for line in cluster.log(await job))
    assert changes(cluster) == []


def _fields(op: Opcode) -> dict[str, Any]:  # Any: opcode parameters
    return {name: getattr(op, name) for name in op.__struct_fields__}


@pytest.mark.parametrize("op", [CLOSE])
async def test_closing_can_be_repeated_after_any_fault(op: OpNodeModifyStorage) -> None:
    await assert_repeatable(lvm, op)


async def test_a_repair_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(lost, REPAIR)
