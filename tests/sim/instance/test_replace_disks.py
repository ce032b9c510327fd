"""OP_INSTANCE_REPLACE_DISKS."""

from typing import Any

import msgspec
import pytest

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.jobs.run import UndoContext
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.undo.mirror import remove_part
from pyganeti.model.enums import ReplaceDisksMode
from pyganeti.model.errors import BlockDeviceError, ECode, OpExecError
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.opcodes.instance import OpInstanceReplaceDisks
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import (
    BOTH,
    NONE,
    disks_of,
    drbd,
    footprint,
    known,
    mirrored,
    roles,
    volumes,
)

Mode = ReplaceDisksMode


def replace(mode: Mode, **parameters: Any) -> OpInstanceReplaceDisks:  # Any: opcode parameters
    return OpInstanceReplaceDisks(
        instance_name="web1", mode=mode, ignore_ipolicy=True, **parameters
    )


PRIMARY = replace(Mode.ON_PRIMARY)
SECONDARY = replace(Mode.ON_SECONDARY)
MOVE = replace(Mode.NEW_SECONDARY, remote_node="node3")
MOVED = {"node1": [("UpToDate", True)], "node2": [], "node3": [("UpToDate", False)]}


async def made(**parameters: Any) -> SimCluster:  # Any: opcode parameters
    cluster = drbd()
    await cluster.run(mirrored(**parameters))
    return cluster


async def is_clean(cluster: SimCluster) -> bool:
    """Whether verify finds nothing."""
    return bool(await cluster.run(OpClusterVerifyGroup(group_name="default")))


@pytest.mark.parametrize(("op", "where"), [(PRIMARY, "node1"), (SECONDARY, "node2")])
@pytest.mark.parametrize("early", [False, True])
async def test_gives_one_node_new_volumes_of_the_same_names(
    op: OpInstanceReplaceDisks, where: str, early: bool
) -> None:
    cluster = await made()
    before = footprint(cluster)
    node = cluster.nodes[where]
    kept = {name: id(metadata) for name, metadata in node.drbd.metadata.items()}
    job = await cluster.submit(replace(op.mode, early_release=early))
    await cluster.finished(known(job))
    assert footprint(cluster) == before
    assert {name: id(metadata) for name, metadata in node.drbd.metadata.items()} != kept
    assert roles(cluster) == BOTH
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert await is_clean(cluster)
    steps = [line for line in cluster.log(job) if line.startswith("STEP")]
    last = ["STEP 5/6 Sync devices", "STEP 6/6 Removing old storage"]
    if early:
        last = ["STEP 5/6 Removing old storage", "STEP 6/6 Sync devices"]
    assert steps == [
        "STEP 1/6 Check device existence",
        "STEP 2/6 Check peer consistency",
        "STEP 3/6 Allocate new storage",
        "STEP 4/6 Changing drbd configuration",
        *last,
    ]


async def test_replaces_only_the_disks_that_are_named() -> None:
    cluster = drbd()
    await cluster.run(mirrored({"size": 1024}, {"size": 64}))
    node = cluster.nodes["node2"]
    kept = {name: id(metadata) for name, metadata in node.drbd.metadata.items()}
    await cluster.run(replace(Mode.ON_SECONDARY, disks=(1,)))
    now = {name: id(metadata) for name, metadata in node.drbd.metadata.items()}
    assert [now[name] == kept[name] for name in kept] == ["disk0" in name for name in kept]
    assert await is_clean(cluster)


@pytest.mark.parametrize("early", [False, True])
async def test_moves_the_mirror_to_another_node(early: bool) -> None:
    cluster = await made()
    ((_, before),) = disks_of(cluster)
    await cluster.run(replace(Mode.NEW_SECONDARY, remote_node="node3", early_release=early))
    first, third = (cluster.view.node(name).uuid for name in ("node1", "node3"))
    ((disk, after),) = disks_of(cluster)
    assert disk.nodes == (first, third)
    assert (after.node_a, after.node_b) == (first, third)
    assert (after.port, after.secret) == (before.port, before.secret)
    assert volumes(cluster.nodes["node2"]) == {}
    assert volumes(cluster.nodes["node3"]) == volumes(cluster.nodes["node1"])
    assert roles(cluster) == MOVED
    assert await is_clean(cluster)


async def test_a_secondary_that_is_lost_is_replaced() -> None:
    cluster = await made()
    cluster.nodes["node2"].drbd.power_cut()
    cluster.nodes["node2"].reachable = False
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    await cluster.run(MOVE)
    assert roles(cluster) == MOVED
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_what_a_silent_secondary_has_goes_when_it_is_back() -> None:
    cluster = await made()
    cluster.nodes["node2"].reachable = False
    job = await cluster.submit(MOVE)
    await cluster.finished(known(job))
    assert roles(cluster)["node3"] == [("UpToDate", False)]
    left = [line for line in cluster.log(job) if line.startswith("could not be done yet")]
    assert left == [
        "could not be done yet, will be tried again: remove old storage:"
        " node node2: connection refused"
    ]
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(60.0)
    assert volumes(cluster.nodes["node2"]) == {}
    assert roles(cluster) == MOVED


async def test_a_stopped_instance_is_stopped_afterwards() -> None:
    cluster = await made(start=False)
    for op in (PRIMARY, SECONDARY, MOVE):
        await cluster.run(op)
        assert roles(cluster) == NONE
        assert not cluster.instance("web1").disks_active
        assert await is_clean(cluster)


async def test_finds_out_itself_what_is_lost() -> None:
    cluster = await made()
    auto = replace(Mode.AUTO)
    job = await cluster.submit(auto)
    await cluster.finished(known(job))
    assert cluster.log(job) == ["No disks need replacement for instance web1"]
    (device,) = cluster.nodes["node2"].drbd.devices.values()
    cluster.nodes["node2"].volumes.held.clear()
    device.data = device.meta = ""
    assert roles(cluster)["node2"] == [("Diskless", False)]
    await cluster.run(auto)
    assert roles(cluster) == BOTH


async def test_the_master_may_change_during_the_sync() -> None:
    cluster = await made()
    cluster.replication.sync_s = 100.0
    for op in (SECONDARY, MOVE):
        job = cluster.submit(op)
        await job
        await cluster.clock.sleep(50.0)
        assert len(roles(cluster)["node2"]) == (0 if op is MOVE else 1)
        await cluster.kill_master()
        await cluster.finished(job)
        assert await is_clean(cluster)


async def test_what_cannot_sync_is_put_back() -> None:
    cluster = await made()
    before = footprint(cluster)
    cluster.replication.sync_s = 1000.0
    job = cluster.submit(MOVE)
    await job
    await cluster.clock.sleep(50.0)
    cluster.replication.cut.add(cluster.view.node("node3").secondary_ip)
    with pytest.raises(BlockDeviceError, match="degraded"):
        await cluster.finished(job)
    assert footprint(cluster) == before


async def test_after_an_early_release_nothing_is_put_back() -> None:
    cluster = await made()
    cluster.replication.sync_s = 1000.0
    job = cluster.submit(replace(Mode.NEW_SECONDARY, remote_node="node3", early_release=True))
    await job
    await cluster.clock.sleep(50.0)
    cluster.replication.cut.add(cluster.view.node("node3").secondary_ip)
    with pytest.raises(BlockDeviceError, match="degraded"):
        await cluster.finished(job)
    ((disk, _),) = disks_of(cluster)
    assert [cluster.view.node(node).name for node in disk.nodes] == ["node1", "node3"]
    assert volumes(cluster.nodes["node2"]) == {}
    cluster.replication.cut.clear()
    await cluster.clock.sleep(1100.0)
    assert roles(cluster)["node3"] in ([("Inconsistent", False)], [("UpToDate", False)])
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_old_volumes_that_are_put_back_are_filled_anew() -> None:
    cluster = await made()
    before = footprint(cluster)
    cluster.replication.sync_s = 1000.0
    job = cluster.submit(SECONDARY)
    await job
    await cluster.clock.sleep(50.0)
    kernel = cluster.nodes["node2"].drbd
    kernel.made.clear()
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    with pytest.raises(BlockDeviceError, match="degraded"):
        await cluster.finished(job)
    assert kernel.made == []
    cluster.replication.cut.clear()
    await cluster.clock.sleep(60.0)
    ((disk, _),) = disks_of(cluster)
    assert kernel.made == [disk.children[1].logical_id[1]]
    await cluster.clock.sleep(1100.0)
    assert await is_clean(cluster)
    assert footprint(cluster) == before
    assert roles(cluster) == BOTH


async def test_nothing_is_removed_from_a_node_that_has_the_mirror() -> None:
    cluster = await made()
    before = footprint(cluster)
    master = await cluster.master()
    ((disk, _),) = disks_of(cluster)
    node = disk.nodes[1]
    spec = msgspec.to_builtins(disk_spec(disk, cluster.view, node))
    context = UndoContext(master.config, NodeWriter(master.access, job=99), lambda _: None)
    with pytest.raises(OpExecError, match="disk/0 still is on node2"):
        await remove_part(context, node=node, disks=[spec])
    assert footprint(cluster) == before


@pytest.mark.parametrize("op", [PRIMARY, SECONDARY, MOVE], ids=lambda op: str(op.mode))
@pytest.mark.parametrize("start", [True, False])
async def test_a_replacement_unwinds(op: OpInstanceReplaceDisks, start: bool) -> None:
    await assert_unwinds(drbd, op, after=[mirrored(start=start)])


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"mode": Mode.NEW_SECONDARY}, ECode.INVAL, "a new secondary node is needed"),
        ({"mode": Mode.ON_PRIMARY, "remote_node": "node3"}, ECode.INVAL, "only for"),
        ({"mode": Mode.NEW_SECONDARY, "remote_node": "node1"}, ECode.INVAL, "is the primary"),
        ({"mode": Mode.NEW_SECONDARY, "remote_node": "node2"}, ECode.INVAL, "already"),
        ({"mode": Mode.NEW_SECONDARY, "remote_node": "node9"}, ECode.NOENT, "node9"),
        ({"mode": Mode.NEW_SECONDARY, "remote_node": "node3", "disks": (0,)}, ECode.INVAL,
         "cannot be chosen"),
        ({"mode": Mode.AUTO, "disks": (0,)}, ECode.INVAL, "cannot be chosen"),
        ({"mode": Mode.ON_PRIMARY, "disks": (1,)}, ECode.INVAL, "has no disk 1"),
    ],
)  # fmt: skip
async def test_refuses(parameters: dict[str, Any], code: ECode, said: str) -> None:
    cluster = await made()
    cluster.rpc_changes.clear()
    await assert_refused(cluster, replace(**parameters), code, said)


async def test_refuses_where_the_only_good_copy_would_go() -> None:
    cluster = await made()
    cluster.replication.sync_s = 1000.0
    cluster.nodes["node2"].drbd.power_cut()
    await cluster.run(mirrored(name="web2", wait_for_sync=False))
    cluster.rpc_changes.clear()
    op = OpInstanceReplaceDisks(instance_name="web2", mode=Mode.ON_PRIMARY)
    await assert_refused(cluster, op, ECode.STATE, "disk/0 on node node2 is not whole")


async def test_refuses_what_is_not_mirrored_and_nodes_without_room() -> None:
    cluster = drbd()
    op = create(disk_template="plain", disks=[{"size": 64}], ignore_ipolicy=True)
    await cluster.run(op)
    cluster.rpc_changes.clear()
    await assert_refused(cluster, PRIMARY, ECode.INVAL, "not mirrored")
    cluster = await made()
    cluster.rpc_changes.clear()
    cluster.nodes["node3"].volumes.capacity = 100
    await assert_refused(cluster, MOVE, ECode.NORES, "not enough space on node node3")
