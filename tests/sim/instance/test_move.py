"""OP_INSTANCE_MOVE."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import START, create, on_offline_node, on_silent_node, shared
from tests.sim.instance.make_moving import (
    MIB,
    PLAIN,
    contents,
    disks,
    files,
    fill,
    lvm,
    op,
    primary,
    running,
)


async def test_what_is_on_its_disks_goes_with_it() -> None:
    cluster = files()
    before = contents(cluster, "node1")
    job = cluster.submit(op())
    await cluster.finished(job)
    assert contents(cluster, "node2") == before
    assert [sorted(found) for found in before.values()] == [
        [MIB, 2 * MIB, 3 * MIB],
        [13 * MIB, 14 * MIB, 15 * MIB],
    ]
    assert disks(cluster, "node1") == []
    assert cluster.nodes["node1"].disks.directories == set()
    assert primary(cluster) == "node2"
    target = cluster.view.node("node2").uuid
    assert all(disk.nodes == (target,) for disk in cluster.view.disks_of(cluster.instance("web1")))
    assert cluster.log(await job) == [
        "Shutting down instance web1 on source node node1",
        "Creating the disks on target node node2",
        "Copying data for disk/0",
        "- disk/0: 3 of 4 MiB were sent",
        "Copying data for disk/1",
        "- disk/1: 3 of 20 MiB were sent",
        "Removing the disks on the original node",
    ]


async def test_volumes_are_copied_whole() -> None:
    cluster = lvm()
    await cluster.run(PLAIN)
    fill(cluster)
    before = contents(cluster, "node1")
    job = cluster.submit(op())
    await cluster.finished(job)
    assert contents(cluster, "node2") == before
    assert "- disk/1: 20 of 20 MiB were sent" in cluster.log(await job)
    assert list(cluster.nodes["node2"].volumes.info.values()) == ["web1", "web1"]
    assert disks(cluster, "node1") == []


async def test_a_running_guest_goes_on_there() -> None:
    cluster = await running()
    await cluster.run(op(shutdown_timeout=7))
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.instance("web1").disks_active
    assert cluster.copies.doubles == []
    done = changes(cluster)
    assert done.index(("node1", "instance_shutdown")) < done.index(("node1", "blockdev_send"))
    assert done.index(("node2", "instance_start")) < done.index(("node1", "blockdev_remove"))
    assert not cluster.nodes["node2"].blocks.writing


async def test_one_that_is_down_stays_down() -> None:
    cluster = files()
    await cluster.run(op())
    assert cluster.guest_states("web1") == {}
    assert not cluster.instance("web1").disks_active
    await cluster.run(START)
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_disks_that_are_larger_than_was_asked_for_fit() -> None:
    cluster = lvm()
    await cluster.run(PLAIN)
    volumes = cluster.nodes["node1"].volumes
    for place, (size, uuid) in volumes.disks.items():
        volumes.disks[place] = (size + 4, uuid)
    await cluster.run(op())
    sizes = [size for size, _ in cluster.nodes["node2"].volumes.disks.values()]
    assert sizes == [8, 24]
    assert [disk.size for disk in cluster.view.disks_of(cluster.instance("web1"))] == [4, 20]


async def test_copies_are_compressed_if_asked() -> None:
    cluster = files()
    job = cluster.submit(op(compress="gzip"))
    await cluster.finished(job)
    assert cluster.nodes["node1"].programs.paths() == ["gzip", "gzip"]
    assert [command.argv for command in cluster.nodes["node2"].programs.ran] == [
        ("gzip", "-d"),
        ("gzip", "-d"),
    ]


async def test_hooks_run_on_the_master_and_both_nodes() -> None:
    cluster = files()
    await cluster.run(op(target_node="node3"))
    hooks = [node for node, call in cluster.rpc_changes if call == "hooks_runner"]
    assert hooks == ["node1", "node3", "node1", "node3"]


async def test_a_dry_run_says_what_it_would_do() -> None:
    cluster = await running()
    job = cluster.submit(op(dry_run=True))
    await cluster.finished(job)
    said = [line.removeprefix("Dry run: would ") for line in cluster.log(await job)]
    assert said == [
        "stop web1 on node1",
        "copy disk/0 (4 MiB) to node2",
        "copy disk/1 (20 MiB) to node2",
        "make node2 the primary node of web1",
        "start web1 on node2",
        "remove the disks of web1 on node1",
    ]
    assert changes(cluster) == []


# --- refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"target_node": "node1"}, ECode.STATE, "already on node node1"),
        ({"target_node": "node9"}, ECode.NOENT, "node9"),
        ({"instance_name": "web9"}, ECode.NOENT, "web9"),
        ({"compress": "rot13"}, ECode.INVAL, "rot13"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(files(), op(**parameters), code, said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"offline": True}, "offline"),
        ({"drained": True}, "drained"),
        ({"vm_capable": False}, "vm_capable"),
        ({"ndparams": {"exclusive_storage": True}}, "exclusive storage"),
    ],
)
async def test_refuses_targets_that_take_no_instances(fields: dict[str, Any], said: str) -> None:
    cluster = files()
    cluster.set_node("node2", **fields)
    await assert_refused(cluster, op(), ECode.STATE, "node2", said)


async def test_refuses_disks_that_need_not_be_copied() -> None:
    await assert_refused(shared(), op(), ECode.STATE, "sharedfile", "migrate")
    cluster = lvm()
    mirrored = create(disk_template="drbd", snode="node2", start=False, ignore_ipolicy=True)
    await cluster.run(mirrored)
    await assert_refused(cluster, op(), ECode.STATE, "drbd", "replace-disks")


async def test_refuses_a_source_that_does_not_answer() -> None:
    wanted = op(target_node="node1", ignore_consistency=True)
    await assert_refused(on_offline_node(), wanted, ECode.STATE, "node2", "offline")
    await assert_refused(on_silent_node(), wanted, ECode.ENVIRON, "node2")


async def test_refuses_a_disk_that_is_not_there() -> None:
    cluster = files()
    place = disks(cluster, "node1")[1]
    del cluster.nodes["node1"].disks.disks[place]
    await assert_refused(cluster, op(), ECode.ENVIRON, "disk/1", "not there")


async def test_refuses_a_target_without_space_memory_or_bridge() -> None:
    cluster = lvm()
    await cluster.run(PLAIN)
    target = cluster.nodes["node2"]
    target.volumes.capacity = 23
    await assert_refused(cluster, op(), ECode.NORES, "node2", "24", "23")
    target.volumes.capacity = 24
    await cluster.set_admin_state("web1", AdminState.UP)
    target.guests.put(Record("huge", 16384, 1, 0.0))
    await assert_refused(cluster, op(), ECode.NORES, "node2", "128")
    target.guests.remove("huge")
    target.network.bridges = frozenset()
    await assert_refused(cluster, op(), ECode.ENVIRON, "node2", "br0")


async def test_refuses_when_the_target_runs_it_already() -> None:
    cluster = await running()
    cluster.nodes["node2"].guests.put(Record("web1", 128, 1, 0.0))
    await assert_refused(cluster, op(), ECode.STATE, "node2")


async def test_the_policy_of_the_target_counts_unless_ignored() -> None:
    cluster = files()
    group = cluster.add_group("other", ipolicy={"disk-templates": ["plain"]})
    cluster.set_node("node2", group=group)
    await assert_refused(cluster, op(), ECode.INVAL, "file", "policy")
    await cluster.run(op(ignore_ipolicy=True))
    assert primary(cluster) == "node2"
