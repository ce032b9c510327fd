"""Disks for what a guest's machine remembers: they come, stay and go as its parameters want."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams, OpClusterVerifyConfig
from pyganeti.opcodes.instance import (
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceMove,
    OpInstanceRecreateDisks,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceReplaceDisks,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import START
from tests.sim.instance.make_states import (
    BOTH,
    PORTS,
    TPM,
    VARS,
    bios,
    disks,
    kvm,
    modify,
    on_volumes,
    put_on_volumes,
    shape,
    uefi,
)

BIOS = {"boot_type": "bios"}
WITH_BOTH = [(None, 1024), (VARS, 4), (TPM, 4)]


async def made(*ops: Any, **options: Any) -> SimCluster:
    cluster = kvm(**options)
    for op in ops:
        await cluster.run(op)
    cluster.rpc_changes.clear()
    return cluster


def scripts(cluster: SimCluster, node: str = "node1") -> list[dict[str, str]]:
    """Environments of the OS scripts that ran on a node, but for verify."""
    return [
        dict(one.env or {})
        for one in cluster.nodes[node].programs.ran
        if "/noop/" in one.argv[0] and not one.argv[0].endswith("/verify")
    ]


# --- made


@pytest.mark.parametrize("template", ["plain", "file", "sharedfile", "drbd"])
async def test_are_made_behind_what_was_asked_for(template: str) -> None:
    second = {"snode": "node2"} if template == "drbd" else {}
    cluster = await made(uefi(disk_template=template, ignore_ipolicy=True, **second))
    assert shape(cluster) == WITH_BOTH
    assert {disk.dev_type for disk in disks(cluster)} == {template}
    assert cluster.instance("web1").hvparams == {"kernel_path": "", **BOTH}


async def test_one_that_is_named_is_not_made_again() -> None:
    own = {"size": 64, "name": TPM}
    cluster = await made(uefi(disks=[own, {"size": 1024}]))
    assert shape(cluster) == [(None, 1024), (TPM, 64), (VARS, 4)]


async def test_without_parameters_that_need_them_there_are_none() -> None:
    cluster = await made(bios())
    assert shape(cluster) == [(None, 1024)]
    text = cluster.view.filled_hvparams(cluster.instance("web1"))
    assert not {"boot_type", "tpm"} & text.keys()


async def test_what_was_on_their_place_is_not_taken_for_theirs() -> None:
    cluster = kvm()
    # Volumes that are made have what was there before: here, a store of another's.
    cluster.nodes["node1"].volumes.leavings = b"another's keys" + bytes((1 << 20) - 14)
    await cluster.run(uefi())
    first, *others = on_volumes(cluster)
    assert first
    assert others == ["", ""]


async def test_os_scripts_and_policies_do_not_count_them() -> None:
    cluster = await made(uefi())
    (env,) = scripts(cluster)
    assert env["DISK_COUNT"] == "1"
    assert not any(value in (VARS, TPM) for value in env.values())
    assert not any(name.startswith(("DISK_1_", "DISK_2_")) for name in env)


async def test_the_guest_does_not_see_them() -> None:
    cluster = await made(uefi(), START)
    guest = cluster.nodes["node1"].guests.get("web1")
    assert guest is not None
    assert list(guest.disks) == [disks(cluster)[0].uuid]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"disk_template": "diskless", "disks": []}, "it is diskless"),
        ({"disks": [{"adopt": "lv"}]}, f"--disk 1:adopt=...,name={VARS}"),
        ({"disks": [{"size": 1024}, {"size": 2, "name": VARS}]}, f"{VARS} has 2 MiB, it needs 4"),
        ({"disks": [{"size": 1024}, *[{"size": 8, "name": TPM}] * 2]}, "the same name"),
        ({"hvparams": {"boot_type": "efi"}}, "'boot_type' has the value 'efi'"),
        ({"hvparams": {"tpm": "1.2"}}, "expected one of 2.0, none"),
        ({"hvparams": {"boot_type": "direct_kernel", "kernel_path": ""}}, "kernel_path is empty"),
    ],
)
async def test_is_refused(parameters: dict[str, Any], said: str) -> None:
    error = await fails(kvm(), uefi(**parameters))
    assert said in str(error)


async def test_they_are_reserved_and_made_real_with_their_instance() -> None:
    cluster = await made(uefi(forthcoming=True))
    reserved = [disk.logical_id for disk in disks(cluster)]
    assert shape(cluster) == WITH_BOTH
    refused = modify(hvparams={"boot_type": "bios"}, disks=[["remove", VARS, {}]])
    await assert_refused(cluster, refused, ECode.STATE, "is forthcoming")
    await cluster.run(uefi(commit=True))
    assert [disk.logical_id for disk in disks(cluster)] == reserved
    assert len(cluster.nodes["node1"].volumes.disks) == 3


async def test_they_lie_where_an_allocator_puts_the_instance() -> None:
    cluster = kvm()
    for node in cluster.nodes.values():
        node.put_allocator("hail", {"success": True, "info": "", "result": ["node2"]})
    await cluster.run(uefi(pnode=None, iallocator="hail"))
    assert shape(cluster) == WITH_BOTH
    assert len(cluster.nodes["node2"].volumes.disks) == 3


async def test_every_step_of_a_creation_can_be_cut_off() -> None:
    await assert_unwinds(kvm, uefi(), keeps=PORTS)


# --- parameters that change


async def test_setting_a_parameter_makes_its_disk() -> None:
    cluster = await made(bios())
    cluster.nodes["node1"].volumes.leavings = b"another's keys" + bytes((1 << 20) - 14)
    result = await cluster.run(modify(hvparams=BOTH))
    assert ["disk/1", "add:size=4,mode=rw"] in result
    assert sorted(shape(cluster)[1:]) == sorted(WITH_BOTH[1:])
    assert on_volumes(cluster)[1:] == ["", ""]
    assert not cluster.instance("web1").disks_active
    done = [call for _node, call in changes(cluster)]
    assert done.index("blockdev_assemble") < done.index("blockdev_wipe")


async def test_that_of_a_running_guest_counts_from_its_next_start() -> None:
    cluster = await made(bios(), START)
    await cluster.run(modify(hvparams={"tpm": "2.0"}))
    assert shape(cluster) == [(None, 1024), (TPM, 4)]
    guest = cluster.nodes["node1"].guests.get("web1")
    assert guest is not None
    assert list(guest.disks) == [disks(cluster)[0].uuid]


async def test_all_of_it_is_undone_from_every_step() -> None:
    await assert_unwinds(kvm, modify(hvparams=BOTH), after=[bios()])


async def test_without_the_parameter_the_disk_stays_and_is_used_again() -> None:
    cluster = await made(uefi())
    put_on_volumes(cluster, "node1")
    before = disks(cluster)
    await cluster.run(modify(hvparams={"boot_type": "bios", "tpm": "none"}))
    await cluster.run(modify(hvparams=BOTH))
    assert disks(cluster) == before
    assert all(on_volumes(cluster))
    await cluster.run(modify(hvparams={"boot_type": "bios"}))
    await cluster.run(modify(disks=[["remove", VARS, {}]]))
    assert shape(cluster) == [(None, 1024), (TPM, 4)]


@pytest.mark.parametrize("action", ["remove", "detach"])
@pytest.mark.parametrize("name", [VARS, TPM])
async def test_what_is_needed_is_not_taken_away(action: str, name: str) -> None:
    cluster = await made(uefi())
    reason = "boot_type=uefi" if name == VARS else "tpm=2.0"
    text = f"instance web1 has {reason}, which needs its disk {name}"
    await assert_refused(cluster, modify(disks=[[action, name, {}]]), ECode.INVAL, text)


async def test_no_disk_gets_or_loses_such_a_name() -> None:
    cluster = await made(uefi())
    for where, name in ((0, "ganeti-uefi-vars"), (TPM, "data"), (VARS, "none")):
        change = modify(disks=[["modify", where, {"name": name}]])
        await assert_refused(cluster, change, ECode.INVAL, "none can get or lose it")


async def test_new_disks_come_before_them_and_the_last_one_is_the_guests() -> None:
    cluster = await made(uefi())
    assert await cluster.run(modify(disks=[["add", -1, {"size": 2048}]])) == [
        ["disk/1", "add:size=2048,mode=rw"]
    ]
    assert shape(cluster) == [(None, 1024), (None, 2048), *WITH_BOTH[1:]]
    assert [disk.iv_name for disk in disks(cluster)] == [f"disk/{index}" for index in range(4)]
    await cluster.run(modify(disks=[["remove", -1, {}]]))
    assert shape(cluster) == WITH_BOTH
    await cluster.run(modify(disks=[["add", 3, {"size": 2048}], ["remove", 1, {}]], hvparams=BIOS))
    assert shape(cluster) == [(None, 1024), (None, 2048), (TPM, 4)]


async def test_a_change_of_the_guests_last_disk_is_not_of_theirs() -> None:
    cluster = await made(uefi())
    await cluster.run(modify(disks=[["modify", -1, {"name": "root"}]]))
    assert shape(cluster) == [("root", 1024), *WITH_BOTH[1:]]


async def test_a_running_guest_gets_new_disks_without_hotplug_at_the_end_of_its_own() -> None:
    cluster = await made(uefi(), START)
    await cluster.run(modify(disks=[["add", -1, {"size": 2048}]], hotplug=False))
    assert shape(cluster) == [(None, 1024), (None, 2048), *WITH_BOTH[1:]]


async def test_a_template_and_what_needs_a_disk_change_one_after_the_other() -> None:
    cluster = await made(bios())
    change = modify(hvparams=BOTH, disk_template="file")
    await assert_refused(cluster, change, ECode.INVAL, "change one, and then the other")


async def test_a_diskless_instance_can_have_none() -> None:
    cluster = await made(bios(disk_template="diskless", disks=[], os_type=None, no_install=True))
    await assert_refused(cluster, modify(hvparams=BOTH), ECode.INVAL, "it is diskless")


async def test_a_cluster_does_not_ask_for_what_instances_have_not() -> None:
    cluster = await made(bios())
    wanted = make_op(OpClusterSetParams, hvparams={"kvm": {"boot_type": "uefi"}})
    said = f"web1 would need a disk {VARS}: gnt-instance modify -H boot_type=uefi web1 makes it"
    await assert_refused(cluster, wanted, ECode.STATE, said)
    await cluster.run(modify(hvparams={"boot_type": "uefi"}))
    await cluster.run(wanted)
    await cluster.run(modify(hvparams={"boot_type": "default"}))
    assert shape(cluster) == [(None, 1024), (VARS, 4)]
    assert await cluster.run(OpClusterVerifyConfig()) is True


# --- they go with their instance


async def test_move() -> None:
    cluster = await made(uefi())
    put_on_volumes(cluster, "node1")
    before = on_volumes(cluster)
    await cluster.run(make_op(OpInstanceMove, instance_name="web1", target_node="node3"))
    assert on_volumes(cluster, "node3") == before
    assert all(before)
    assert not cluster.nodes["node1"].volumes.disks


async def test_mirrors_are_converted_migrated_failed_over_and_replaced() -> None:
    cluster = await made(uefi())
    put_on_volumes(cluster, "node1")
    before = on_volumes(cluster)
    await cluster.run(modify(disk_template="drbd", remote_node="node2", ignore_ipolicy=True))
    assert on_volumes(cluster) == before
    await cluster.run(START)
    await cluster.run(OpInstanceMigrate(instance_name="web1"))
    assert cluster.guest_states("web1") == {"node2": "running"}
    await cluster.run(
        make_op(
            OpInstanceReplaceDisks,
            instance_name="web1", mode="replace_new_secondary", remote_node="node3",
        )
    )  # fmt: skip
    await cluster.run(OpInstanceFailover(instance_name="web1"))
    assert cluster.guest_states("web1") == {"node3": "running"}
    # Each has data and metadata on both nodes.
    assert [len(cluster.nodes[f"node{n}"].volumes.disks) for n in (1, 2, 3)] == [0, 6, 6]
    assert shape(cluster) == WITH_BOTH


async def test_rename_grow_and_remove() -> None:
    cluster = await made(uefi())
    put_on_volumes(cluster, "node1")
    await cluster.run(OpInstanceGrowDisk(instance_name="web1", disk=2, amount=4))
    await cluster.run(make_op(OpInstanceRename, instance_name="web1", new_name="web2"))
    assert shape(cluster, "web2") == [(None, 1024), (VARS, 4), (TPM, 8)]
    assert all(on_volumes(cluster, name="web2"))
    (*_, env) = scripts(cluster)
    assert env["DISK_COUNT"] == "1"
    await cluster.run(OpInstanceRemove(instance_name="web2", shutdown_timeout=0))
    assert not cluster.nodes["node1"].volumes.disks


async def test_recreated_they_are_empty() -> None:
    cluster = await made(uefi())
    cluster.nodes["node1"].volumes.disks.clear()
    cluster.nodes["node1"].volumes.leavings = b"another's keys" + bytes((1 << 20) - 14)
    await cluster.run(make_op(OpInstanceRecreateDisks, instance_name="web1"))
    first, *others = on_volumes(cluster)
    assert first
    assert others == ["", ""]
    assert ("node1", "blockdev_wipe") in changes(cluster)
