"""Instances on DRBD: made on two nodes and synced, started, stopped, removed."""

import re
from typing import Any

import pytest

from pyganeti.model.enums import RebootType
from pyganeti.model.errors import BlockDeviceError, CallTimeout, ECode, NodeUnreachable
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceDeactivateDisks,
    OpInstanceGrowDisk,
    OpInstanceReboot,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.store.interface import Table
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import create
from tests.sim.instance.make_drbd import (
    BOTH,
    NONE,
    PAIR,
    disks_of,
    drbd,
    footprint,
    known,
    mirrored,
    roles,
    volumes,
)

START = OpInstanceStartup(instance_name="web1")
STOP = OpInstanceShutdown(instance_name="web1", timeout=0)
REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)
GROW = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=512, ignore_ipolicy=True)


async def test_makes_a_mirror_in_ganetis_form() -> None:
    cluster = drbd()
    op = mirrored({"size": 1024}, {"size": 64, "metavg": "xenvg"})
    assert await cluster.run(op) == list(PAIR)
    first, second = (cluster.view.node(name).uuid for name in PAIR)
    found = disks_of(cluster)
    assert [(one.node_a, one.node_b, one.minor_a, one.minor_b) for _, one in found] == [
        (first, second, 0, 0),
        (first, second, 1, 1),
    ]
    assert [one.port for _, one in found] == [11000, 11001]
    assert all(re.fullmatch("[0-9a-f]{40}", one.secret) for _, one in found)
    assert len({one.secret for _, one in found}) == 2
    for index, (disk, _) in enumerate(found):
        assert disk.nodes == (first, second)
        names = [str(child.logical_id[1]) for child in disk.children]
        uuid = r"[0-9a-f-]{36}"
        assert re.fullmatch(rf"{uuid}\.disk{index}_data {uuid}\.disk{index}_meta", " ".join(names))
        assert [child.size for child in disk.children] == [disk.size, 128]
    assert volumes(cluster.nodes["node1"]) == volumes(cluster.nodes["node2"])
    assert len(volumes(cluster.nodes["node1"])) == 4
    assert set(cluster.nodes["node2"].volumes.info.values()) == {"web1"}


async def test_a_running_instance_writes_on_its_primary_only() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert roles(cluster) == BOTH
    await cluster.run(STOP)
    assert roles(cluster) == NONE
    await cluster.run(START)
    assert roles(cluster) == BOTH
    await cluster.run(OpInstanceReboot(instance_name="web1", reboot_type=RebootType.FULL))
    assert roles(cluster) == BOTH


async def test_waits_for_the_sync_and_tells_how_far_it_is() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 100.0
    job = await cluster.submit(mirrored())
    await cluster.clock.sleep(90.0)
    assert cluster.guest_states("web1") == {}
    await cluster.finished(known(job))
    assert roles(cluster) == BOTH
    said = [line for line in cluster.log(job) if "disk" in line]
    assert "Waiting for instance web1 to sync disks" in said
    assert "Instance web1's disks are in sync" in said
    told = [line for line in said if re.search(r"\d+\.\d\d% done", line)]
    assert re.fullmatch(r"- device disk/0: +\d+\.\d\d% done, .*", told[0])
    assert re.search(r"done, (1m )?\d+s remaining \(estimated\)", told[-1])


async def test_does_not_wait_where_it_should_not() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 1000.0
    began = cluster.clock.now()
    await cluster.run(mirrored(wait_for_sync=False))
    assert cluster.clock.now() - began < 100.0
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert roles(cluster)["node2"] == [("Inconsistent", False)]


async def test_a_mirror_that_never_meets_its_peer_is_not_kept() -> None:
    cluster = drbd()
    before = footprint(cluster)
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    with pytest.raises(BlockDeviceError, match="disk/0: degraded"):
        await cluster.run(mirrored())
    assert footprint(cluster) == before


async def test_the_master_may_change_during_the_sync() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 100.0
    job = cluster.submit(mirrored())
    await job
    await cluster.clock.sleep(50.0)
    await cluster.kill_master()
    assert await cluster.finished(job) == list(PAIR)
    assert roles(cluster) == BOTH


async def test_the_node_daemon_may_restart_during_the_sync() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 100.0
    job = cluster.submit(mirrored())
    await job
    await cluster.clock.sleep(50.0)
    await cluster.nodes["node1"].restart()
    assert await cluster.finished(job) == list(PAIR)
    assert "node node1 lost count, asking it again" in cluster.log(await job)
    assert roles(cluster) == BOTH


async def test_minors_and_ports_are_nobody_elses() -> None:
    cluster = drbd()
    cluster.replication.sync_s = 10.0
    names = [f"web{number}" for number in range(1, 6)]
    jobs = [cluster.submit(mirrored(name=name)) for name in names]
    jobs.append(cluster.submit(mirrored(name="web6", pnode="node3", snode="node1")))
    for job in jobs:
        await cluster.finished(job)
    found = [one for name in (*names, "web6") for _, one in disks_of(cluster, name)]
    taken = [(one.node_a, one.minor_a) for one in found]
    taken += [(one.node_b, one.minor_b) for one in found]
    assert len(set(taken)) == 12
    assert len({one.port for one in found}) == 6


async def test_what_is_removed_is_free_again() -> None:
    cluster = drbd()
    before = footprint(cluster)
    await cluster.run(mirrored())
    ports = [one.port for _, one in disks_of(cluster)]
    await cluster.run(REMOVE)
    assert list(cluster.view.cluster.tcpudp_port_pool) == ports
    await cluster.run(mirrored())
    assert [(one.port, one.minor_a) for _, one in disks_of(cluster)] == [(ports[0], 0)]
    await cluster.run(REMOVE)
    assert footprint(cluster) == before


async def test_the_secret_stands_in_the_configuration_only() -> None:
    cluster = drbd()
    job = await cluster.submit(mirrored())
    await cluster.finished(known(job))
    ((_, identity),) = disks_of(cluster)
    secret = identity.secret.encode()
    for table in Table:
        holders = [
            key
            for key in cluster.backend.keys(table)
            if secret in (cluster.backend.read(table, key) or b"")
        ]
        assert (table is Table.CONFIG) == bool(holders), (table, holders)
    assert all(identity.secret not in line for line in cluster.log(job))


async def test_a_creation_unwinds() -> None:
    pool = "ports come back through the pool"
    keeps = {"cluster/tcpudp_port_pool": pool, "cluster/highest_used_port": pool}
    await assert_unwinds(drbd, mirrored({"size": 1024}, {"size": 64}), keeps=keeps)


async def test_a_start_unwinds() -> None:
    keeps = {"instances/web1/admin_state": "the watcher tries again"}
    await assert_unwinds(drbd, START, after=[mirrored(start=False)], keeps=keeps)


async def test_a_shutdown_and_a_removal_can_be_repeated() -> None:
    await assert_repeatable(drbd, STOP, after=[mirrored()])
    await assert_repeatable(drbd, REMOVE, after=[mirrored()])


async def test_disks_are_activated_and_deactivated_on_both_nodes() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    assert roles(cluster) == NONE
    activate = OpInstanceActivateDisks(instance_name="web1")
    for _ in range(2):
        assert await cluster.run(activate) == [["node1", "disk/0", "/dev/drbd0"]]
        assert roles(cluster) == BOTH
    for _ in range(2):
        await cluster.run(OpInstanceDeactivateDisks(instance_name="web1"))
        assert roles(cluster) == NONE


async def test_disks_that_are_larger_than_recorded_are_activated_on_demand() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    for name in PAIR:
        for metadata in cluster.nodes[name].drbd.metadata.values():
            metadata.size += 64 * 1024
    with pytest.raises(BlockDeviceError, match="smaller than requested"):
        await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    await cluster.run(OpInstanceActivateDisks(instance_name="web1", ignore_size=True))
    assert roles(cluster) == BOTH
    for name in PAIR:
        (device,) = cluster.nodes[name].drbd.devices.values()
        assert device.size == (1024 + 64) * 1024


async def test_wipes_and_reinstalls_on_the_open_device() -> None:
    cluster = drbd(prealloc_wipe_disks=True)
    await cluster.run(mirrored(start=False))
    assert ("node1", "blockdev_wipe") in cluster.rpc_changes
    assert roles(cluster) == NONE
    await cluster.run(OpInstanceReinstall(instance_name="web1"))
    assert roles(cluster) == NONE
    assert [path.rpartition("/")[2] for path in cluster.nodes["node1"].programs.paths()].count(
        "create"
    ) == 2
    reinstall = OpInstanceReinstall(instance_name="web1")
    await assert_unwinds(drbd, reinstall, after=[mirrored(start=False)])


async def test_activation_waits_for_the_sync_where_it_should() -> None:
    cluster = drbd()
    await cluster.run(mirrored(wait_for_sync=False))
    cluster.nodes["node2"].drbd.power_cut()
    cluster.replication.sync_s = 100.0
    job = cluster.submit(OpInstanceActivateDisks(instance_name="web1", wait_for_sync=True))
    await job
    await cluster.clock.sleep(50.0)
    assert roles(cluster)["node2"] == [("Inconsistent", False)]
    await cluster.kill_master()
    assert await cluster.finished(job) == [["node1", "disk/0", "/dev/drbd0"]]
    assert roles(cluster) == BOTH


async def test_starts_without_a_secondary_where_forced() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    cluster.nodes["node2"].reachable = False
    job = await cluster.submit(OpInstanceStartup(instance_name="web1", force=True))
    await cluster.finished(known(job))
    assert cluster.guest_states("web1") == {"node1": "running"}
    warnings = [line for line in cluster.log(job) if line.startswith("Warning")]
    assert len(warnings) == 1
    assert warnings[0].startswith("Warning: disk/0 on secondary node node2: ")


async def test_a_secondary_that_is_away_must_be_marked_offline() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    cluster.nodes["node2"].reachable = False
    with pytest.raises(NodeUnreachable):
        await cluster.run(START)
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    await cluster.run(START)
    assert cluster.guest_states("web1") == {"node1": "running"}
    await cluster.run(STOP)
    assert roles(cluster)["node1"] == []


async def test_a_secondary_that_was_away_is_synced_when_it_is_back() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    cluster.nodes["node2"].drbd.power_cut()
    assert roles(cluster)["node1"] == [("UpToDate", True)]
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert roles(cluster) == BOTH


async def test_grows_on_both_nodes_and_syncs_what_is_new() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    await cluster.run(GROW)
    ((disk, _),) = disks_of(cluster)
    assert [disk.size, *(child.size for child in disk.children)] == [1536, 1536, 128]
    for name in PAIR:
        node = cluster.nodes[name]
        assert sorted(volumes(node).values()) == [128, 1536]
        assert [device.size for device in node.drbd.devices.values()] == [1536 * 1024]
    await cluster.run(STOP)
    await cluster.run(START)
    assert roles(cluster) == BOTH


async def test_a_stopped_instance_grows_too() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    await cluster.run(GROW)
    assert roles(cluster) == NONE
    await cluster.run(START)
    assert [one.size for one in cluster.nodes["node2"].drbd.devices.values()] == [1536 * 1024]


async def test_growth_can_be_repeated() -> None:
    op = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=1536, absolute=True)
    await assert_repeatable(drbd, op, after=[mirrored()])


async def test_nothing_grows_where_the_secondary_is_full() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    cluster.nodes["node2"].volumes.capacity = 1024 + 128 + 100
    await assert_refused(cluster, GROW, ECode.NORES, "not enough space on node node2")


@pytest.mark.parametrize("which", ["node1", "node2"])
async def test_a_minor_that_somebody_uses_is_left_alone(which: str) -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    other = cluster.nodes[which]
    before = footprint(cluster)
    other.drbd.devices[1] = other.drbd.devices.pop(0)
    other.drbd.devices[1].minor = 1
    cluster.rpc_changes.clear()
    with pytest.raises(BlockDeviceError, match="minor 1 is in use already"):
        await cluster.run(mirrored(name="web2"))
    # Neither part waits for the other, and neither stays alone.
    made = [change for change in changes(cluster) if change[1] == "blockdev_create"]
    assert made == [("node1", "blockdev_create"), ("node2", "blockdev_create")]
    other.drbd.devices[0] = other.drbd.devices.pop(1)
    other.drbd.devices[0].minor = 0
    assert footprint(cluster) == before


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"snode": None}, ECode.INVAL, "needs a secondary node"),
        ({"snode": "node1"}, ECode.INVAL, "cannot be primary and secondary"),
        ({"snode": "node9"}, ECode.NOENT, "node9"),
        ({"disks": [{"size": 64, "metavg": "other"}]}, ECode.ENVIRON, "no volume group other"),
        ({"disks": [{"adopt": "old0"}]}, ECode.INVAL, "cannot adopt"),
        ({"disks": [{"size": 1 << 30}]}, ECode.NORES, "not enough space on node node1"),
    ],
)
async def test_refuses(parameters: dict[str, Any], code: ECode, said: str) -> None:
    wanted = {"snode": "node2", "disks": [{"size": 64}], **parameters}
    op = create(disk_template="drbd", ignore_ipolicy=True, **wanted)
    await assert_refused(drbd(), op, code, said)


async def test_refuses_a_secondary_that_is_full_or_drained() -> None:
    cluster = drbd()
    cluster.nodes["node2"].volumes.capacity = 100
    await assert_refused(cluster, mirrored(), ECode.NORES, "not enough space on node node2")
    cluster = drbd()
    cluster.set_node("node2", drained=True, master_candidate=False)
    await assert_refused(cluster, mirrored(), ECode.STATE, "node2 is drained")


async def test_refuses_exclusive_storage() -> None:
    cluster = drbd(ndparams={"exclusive_storage": True})
    await assert_refused(cluster, mirrored(), ECode.INVAL, "exclusive storage")


async def test_what_is_left_on_an_offline_secondary_keeps_nobody_from_it() -> None:
    cluster = drbd()
    cluster.nodes["node2"].dies_after = "blockdev_create"
    with pytest.raises(CallTimeout):
        await cluster.run(mirrored(pnode="node1", snode="node2"))
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    await cluster.run(mirrored(pnode="node1", snode="node3"))
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_secondary_is_ignored_where_nothing_is_mirrored() -> None:
    cluster = drbd()
    op = mirrored(disk_template="plain", snode="node2")
    assert await cluster.run(op) == ["node1"]
