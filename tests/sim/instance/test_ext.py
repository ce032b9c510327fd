"""Instances on volumes of external storage: their whole life."""

import re
from typing import Any

import pytest

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.opcodes.instance import (
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceRecreateDisks,
    OpInstanceRemove,
    OpInstanceSetParams,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make_ext import array, ext, running, scripts, stopped

REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)
MIGRATE = OpInstanceMigrate(instance_name="web1", target_node="node2")
FAILOVER = OpInstanceFailover(instance_name="web1", target_node="node2", shutdown_timeout=0)
GROW_TO = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=1536, absolute=True)
GROW = OpInstanceGrowDisk(instance_name="web1", disk=0, amount=512)
SHUTDOWN = OpInstanceShutdown(instance_name="web1", timeout=0)


def modify(*mods: tuple[Any, ...]) -> OpInstanceSetParams:  # Any: as commands send them
    """Changes of its disks."""
    return OpInstanceSetParams(instance_name="web1", disks=tuple(mods))


def volumes(cluster: SimCluster) -> list[str]:
    """Names of the instance's volumes, in order."""
    return [str(disk.logical_id[1]) for disk in cluster.view.disks_of(cluster.instance("web1"))]


def opened(cluster: SimCluster) -> list[dict[str, bool]]:
    """Who may write to each."""
    return [cluster.array.opened.get(name, {}) for name in volumes(cluster)]


async def test_makes_volumes_with_their_parameters_and_notes_whose_they_are() -> None:
    cluster = array()
    await cluster.run(ext())
    disks = cluster.view.disks_of(cluster.instance("web1"))
    assert [disk.logical_id[0] for disk in disks] == ["array", "array"]
    names = volumes(cluster)
    assert all(
        re.fullmatch(rf"[0-9a-f-]{{36}}\.ext\.disk{n}", name) for n, name in enumerate(names)
    )
    assert cluster.array.volumes == {names[0]: 1024, names[1]: 2048}
    assert cluster.array.parameters == {names[0]: {"EXTP_COLOUR": "red"}, names[1]: {}}
    assert cluster.array.info == dict.fromkeys(names, "originstname+web1")
    assert opened(cluster) == [{"node1": True}, {"node1": True}]
    assert [disk.params for disk in disks] == [{"colour": "red"}, None]


async def test_a_guest_that_stops_lets_its_volumes_go() -> None:
    cluster = await running()
    await cluster.run(SHUTDOWN)
    assert scripts(cluster) == ["close", "detach"] * 2
    assert cluster.nodes["node1"].provider.attached == set()
    assert opened(cluster) == [{}, {}]
    await cluster.run(OpInstanceStartup(instance_name="web1"))
    assert opened(cluster) == [{"node1": True}] * 2


async def test_a_removal_leaves_no_volume() -> None:
    cluster = await running()
    await cluster.run(REMOVE)
    assert cluster.array.volumes == {}
    assert cluster.nodes["node1"].provider.attached == set()


async def test_a_removal_of_what_is_gone_goes_on() -> None:
    cluster = await stopped()
    cluster.array.volumes.clear()
    await cluster.run(REMOVE)
    assert "web1" not in [instance.name for instance in cluster.view.instances.values()]


async def test_grows_for_a_running_guest() -> None:
    cluster = await running()
    await cluster.run(GROW)
    name = volumes(cluster)[0]
    assert cluster.array.volumes[name] == 1536
    assert cluster.view.disks_of(cluster.instance("web1"))[0].size == 1536
    await cluster.run(GROW_TO)
    assert scripts(cluster).count("grow") == 1


async def test_a_provider_that_does_not_grow_is_not_believed() -> None:
    cluster = await running()
    cluster.nodes["node1"].provider.idle.add("grow")
    text = str(await fails(cluster, GROW))
    assert "script 'grow' did not do its work" in text
    assert "has 1024 MiB after it, not 1536 MiB" in text
    assert cluster.view.disks_of(cluster.instance("web1"))[0].size == 1024


async def test_one_that_makes_nothing_is_not_believed() -> None:
    cluster = array()
    cluster.nodes["node1"].provider.idle.add("create")
    text = str(await fails(cluster, ext()))
    assert "disk/0: script 'attach' of provider 'array': exit code 1: volume" in text
    assert cluster.view.instances == {}
    assert cluster.nodes["node1"].provider.attached == set()


async def test_a_migration_lets_both_write_while_it_moves() -> None:
    cluster = await running()
    await cluster.run(MIGRATE)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert opened(cluster) == [{"node2": True}] * 2
    assert cluster.nodes["node1"].provider.attached == set()
    # Opened for both first, and for one again in the end.
    assert scripts(cluster, "node1") == ["open"] * 2 + ["close"] * 2 + ["detach"] * 2
    assert [one for one in scripts(cluster, "node2") if one == "open"] == ["open"] * 4
    assert cluster.copies.doubles == []


async def test_a_failover_opens_there_what_was_closed_here() -> None:
    cluster = await running()
    await cluster.run(FAILOVER)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert opened(cluster) == [{"node2": True}] * 2
    assert cluster.nodes["node1"].provider.attached == set()


async def test_moves_to_nodes_with_the_provider_only() -> None:
    bare = SimCluster(options={"enabled_disk_templates": ["ext"]})
    bare.nodes["node1"].install_provider()
    await bare.run(ext())
    for op in (MIGRATE, FAILOVER):
        text = "there is no storage provider 'array'"
        await assert_refused(bare, op, ECode.INVAL, "on node node2", text)
    assert bare.guest_states("web1") == {"node1": "running"}


async def test_a_provider_need_not_open_its_volumes() -> None:
    cluster = await running(without="open")
    await cluster.run(MIGRATE)
    assert "open" not in scripts(cluster, "node1") + scripts(cluster, "node2")


async def test_disks_are_added_with_parameters_and_removed() -> None:
    cluster = await running()
    disk = {"size": 1024, "provider": "array", "pool": "a b; $(c)"}
    await cluster.run(modify(("add", -1, disk)))
    names = volumes(cluster)
    assert cluster.array.parameters[names[2]] == {"EXTP_POOL": "a b; $(c)"}
    assert opened(cluster) == [{"node1": True}] * 3
    await cluster.run(modify(("remove", 2, {})))
    assert sorted(cluster.array.volumes) == sorted(names[:2])


async def test_parameters_change_and_are_forgotten() -> None:
    cluster = await stopped()
    await cluster.run(modify(("modify", 0, {"pool": "fast", "colour": "default"})))
    assert cluster.view.disks_of(cluster.instance("web1"))[0].params == {"pool": "fast"}
    await assert_refused(
        cluster, modify(("modify", 0, {"colour": "blue"})), ECode.INVAL, "no colour blue"
    )
    await assert_refused(
        cluster, modify(("modify", 0, {"provider": "other"})), ECode.INVAL, "'provider'"
    )


async def test_snapshots_are_exported_and_removed() -> None:
    cluster = await running()
    cluster.nodes["node1"].programs.writes["export"] = b"data"
    before = set(cluster.array.volumes)
    await cluster.run(OpBackupExport(instance_name="web1", target_node="node2", shutdown=False))
    assert scripts(cluster).count("snapshot") == 2
    assert set(cluster.array.volumes) == before
    assert cluster.nodes["node1"].provider.attached == before


async def test_without_snapshots_a_guest_must_be_down() -> None:
    cluster = await running(without="snapshot")
    op = OpBackupExport(instance_name="web1", target_node="node2")
    await assert_refused(cluster, op, ECode.STATE, "a provider of its disks has no snapshots")


async def test_lost_volumes_are_made_anew_and_others_are_not() -> None:
    cluster = await stopped()
    op = OpInstanceRecreateDisks(instance_name="web1")
    await assert_refused(cluster, op, ECode.STATE, "disk/0 is on node node1 still")
    assert cluster.nodes["node1"].provider.attached == set()
    cluster.array.volumes.clear()
    await cluster.run(op)
    assert sorted(cluster.array.volumes) == sorted(volumes(cluster))
    assert cluster.array.parameters[volumes(cluster)[0]] == {"EXTP_COLOUR": "red"}


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        ({"size": 64}, "provider=NAME"),
        ({"size": 64, "provider": "other"}, "there is no storage provider 'other'"),
        ({"size": 64, "provider": "../array"}, "'../array' is no name of a storage provider"),
        ({"size": 64, "provider": "array", "shape": "x"}, "no parameter 'shape', it has: colour"),
        ({"size": 64, "provider": "array", "colour": "blue"}, "there is no colour blue"),
        ({"size": 64, "provider": "array", "pool": ["x"]}, "expected a text"),
        ({"size": 64, "provider": "array", "access": "direct"}, "expected one of kernelspace"),
        ({"size": 64, "provider": "array", "vg": "xenvg"}, "'vg' is not for"),
        ({"adopt": "lun1", "provider": "array"}, "cannot adopt"),
        ({"provider": "array"}, "no size"),
    ],
)
async def test_refuses(disk: dict[str, Any], said: str) -> None:
    await assert_refused(array(), ext(disk), ECode.INVAL, said)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"provider": "other"}, "on node node1: there is no storage provider 'other'"),
        ({"provider": "array", "shape": "x"}, "no parameter 'shape', it has: colour"),
        ({"provider": "array", "colour": "blue"}, "there is no colour blue"),
    ],
)
async def test_refuses_to_convert(params: dict[str, str], said: str) -> None:
    cluster = array(templates=("file", "ext"))
    await cluster.run(ext({"size": 64}, disk_template="file", start=False))
    op = OpInstanceSetParams(
        instance_name="web1", disk_template=DiskTemplate.EXT, ext_params=params, ignore_ipolicy=True
    )
    await assert_refused(cluster, op, ECode.INVAL, said)


async def test_files_have_no_access_mode() -> None:
    op = ext({"size": 64, "access": "userspace"}, disk_template="file")
    cluster = SimCluster(options={"enabled_disk_templates": ["file"]})
    await assert_refused(cluster, op, ECode.INVAL, "'access' is not for disk template file")


async def test_guests_reach_volumes_by_themselves_where_asked() -> None:
    cluster = array()
    disk = {"size": 64, "provider": "array", "access": "userspace"}
    await cluster.run(ext(disk))
    assert cluster.view.disks_of(cluster.instance("web1"))[0].params == {"access": "userspace"}
    assert cluster.array.parameters[volumes(cluster)[0]] == {}


async def test_verify_looks_at_volumes_in_use_only() -> None:
    cluster = await running()
    verify = OpClusterVerifyGroup(group_name="default")
    assert await cluster.run(verify)
    lost = cluster.array.volumes.popitem()
    assert not await cluster.run(verify)
    cluster.array.volumes.update([lost])
    await cluster.run(SHUTDOWN)
    cluster.nodes["node1"].provider.ran.clear()
    assert await cluster.run(verify)
    assert scripts(cluster) == []


async def test_a_creation_unwinds() -> None:
    await assert_unwinds(array, ext())


async def test_a_creation_that_fails_in_the_middle_leaves_nothing() -> None:
    cluster = array()
    cluster.array.capacity = 1024 + 2047
    before = cluster.footprint()
    text = str(await fails(cluster, ext()))
    assert "disk/1: script 'create' of provider 'array': exit code 1: 2048 MiB do not fit" in text
    assert cluster.footprint() == before


async def test_a_migration_may_be_repeated_from_every_fault_point() -> None:
    made: list[SimCluster] = []

    def make() -> SimCluster:
        made.append(array())
        return made[-1]

    await assert_repeatable(make, MIGRATE, after=[ext()])
    assert [cluster.copies.doubles for cluster in made] == [[]] * len(made)


async def test_a_failover_may_be_repeated_from_every_fault_point() -> None:
    await assert_repeatable(array, FAILOVER, after=[ext()])


async def test_adding_a_disk_unwinds() -> None:
    op = modify(("add", -1, {"size": 1024, "provider": "array"}))
    await assert_unwinds(array, op, after=[ext()])


async def test_growing_may_be_repeated_from_every_fault_point() -> None:
    await assert_repeatable(array, GROW_TO, after=[ext()])


async def test_an_export_unwinds() -> None:
    def make() -> SimCluster:
        cluster = array()
        cluster.nodes["node1"].programs.writes["export"] = b"data"
        return cluster

    op = OpBackupExport(instance_name="web1", target_node="node2", shutdown=False)
    spares = {"node2/exports/.web1.old": "removed with the next one"}
    await assert_unwinds(make, op, after=[ext()], spares=spares, may_stand=True)


async def test_a_removal_may_be_repeated_from_every_fault_point() -> None:
    await assert_repeatable(array, REMOVE, after=[ext()])


async def test_after_a_boot_volumes_are_attached_again() -> None:
    cluster = await running()
    node = cluster.nodes["node1"]
    await node.boot()
    node.guests.remove("web1")
    assert not await cluster.run(OpClusterVerifyGroup(group_name="default"))
    await cluster.run(OpInstanceStartup(instance_name="web1"))
    assert opened(cluster) == [{"node1": True}] * 2
    assert await cluster.run(OpClusterVerifyGroup(group_name="default"))
