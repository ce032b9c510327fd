"""OP_BACKUP_EXPORT."""

from hashlib import sha256
from typing import Any

import pytest

from pyganeti.model.errors import ECode, JobCanceled
from pyganeti.model.exported import parse
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, fails, make_op
from tests.sim.backup.make import export_dir, exports, put_export
from tests.sim.instance.make import create, on_offline_node, on_silent_node

DATA = bytes(range(256)) * 5000


def op(**parameters: Any) -> OpBackupExport:  # Any: opcode parameters
    """Export ``web1`` to ``node2``."""
    return make_op(
        OpBackupExport, **{"instance_name": "web1", "target_node": "node2", **parameters}
    )


def stopped() -> SimCluster:
    """``web1`` on ``node1`` with two disks; its export script writes."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(1024, 2048))
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = DATA
    return cluster


def exported_before() -> SimCluster:
    """The same, and older exports on the target and elsewhere."""
    cluster = stopped()
    put_export(cluster, "node2", "web1")
    put_export(cluster, "node3", "web1")
    return cluster


def writing() -> SimCluster:
    """No instance; export scripts write."""
    cluster = SimCluster(options={"enabled_disk_templates": ["plain", "drbd", "file"]})
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = DATA
    return cluster


async def running(template: str = "plain", **parameters: Any) -> SimCluster:
    """``web1`` runs; its disks have snapshots, as a rule."""
    cluster = writing()
    await cluster.run(create(disk_template=template, **parameters))
    cluster.rpc_changes.clear()
    return cluster


def content(cluster: SimCluster, node: str) -> dict[str, bytes]:
    """The files of the export on a node."""
    (directory,) = export_dir(cluster, node).iterdir()
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def without_exports(footprint: dict[str, object]) -> dict[str, object]:
    """All else that there is."""
    return {path: what for path, what in footprint.items() if "/exports" not in path}


async def test_writes_what_an_import_needs() -> None:
    cluster = stopped()
    assert await cluster.run(op()) == [True, [True, True]]
    assert exports(cluster) == {"node2": ["web1"]}
    found = content(cluster, "node2")
    export = parse(found["config.ini"].decode())
    disks = cluster.view.disks_of(cluster.instance("web1"))
    assert [disk.dump for disk in export.disks] == [disk.uuid for disk in disks]
    assert [found[disk.uuid] for disk in disks] == [DATA, DATA]
    assert (export.name, export.os, export.disk_template) == ("web1", "noop+default", "file")
    assert export.source == cluster.view.node("node1").uuid


async def test_checksums_are_kept_beside_it() -> None:
    cluster = stopped()
    await cluster.run(op())
    found = content(cluster, "node2")
    lines = found.pop("SHA256SUMS").decode().splitlines()
    assert lines == [f"{sha256(found[name]).hexdigest()}  {name}" for name in sorted(found)]


async def test_the_script_is_told_its_disk() -> None:
    cluster = stopped()
    await cluster.run(op())
    (first, second) = [
        command.env or {}
        for command in cluster.nodes["node1"].programs.ran
        if command.argv[0].endswith("/export")
    ]
    assert (first["EXPORT_INDEX"], second["EXPORT_INDEX"]) == ("0", "1")
    assert second["EXPORT_DEVICE"] == second["EXPORT_DISK_PATH"] == second["DISK_1_PATH"]
    assert first["EXP_SIZE_FD"].isdigit()


async def test_disks_that_were_not_active_are_not_afterwards() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(op())
    assert without_exports(cluster.footprint()) == without_exports(before)


async def test_to_its_own_node() -> None:
    cluster = stopped()
    await cluster.run(op(target_node="node1", compress="gzip"))
    assert DATA in content(cluster, "node1").values()
    assert not any(path.endswith("gzip") for path in cluster.nodes["node1"].programs.paths())


async def test_older_ones_go_when_it_is_whole() -> None:
    cluster = exported_before()
    await cluster.run(op())
    assert exports(cluster) == {"node2": ["web1"]}
    assert DATA in content(cluster, "node2").values()


async def test_one_that_cannot_be_removed_is_named() -> None:
    cluster = exported_before()
    cluster.nodes["node3"].reachable = False
    job = cluster.submit(op())
    await cluster.finished(job)
    assert "node3" in "\n".join(cluster.log(await job))
    assert DATA in content(cluster, "node2").values()


# --- guests


async def test_a_guest_is_down_until_there_are_snapshots() -> None:
    cluster = await running()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(1000.0)
        assert cluster.guest_states("web1") == {"node1": "running"}
        assert len(cluster.nodes["node1"].volumes.disks) == 4
    await cluster.finished(job)
    done = [call for node, call in changes(cluster) if node == "node1"]
    assert done.index("instance_shutdown") < done.index("blockdev_snapshot")
    assert done.index("blockdev_snapshot") < done.index("instance_start")
    assert len(cluster.nodes["node1"].volumes.disks) == 2
    assert exports(cluster) == {"node2": ["web1"]}


async def test_of_a_mirrored_disk_the_volume_below_is_kept() -> None:
    cluster = await running("drbd", snode="node3", ignore_ipolicy=True)
    before = cluster.footprint()
    await cluster.run(op())
    script = cluster.nodes["node1"].programs.ran[-1].env or {}
    assert "_data.snap-" in script["EXPORT_DEVICE"]
    assert without_exports(cluster.footprint()) == without_exports(before)


async def test_snapshots_are_read() -> None:
    cluster = await running()
    await cluster.run(op())
    script = cluster.nodes["node1"].programs.ran[-1].env or {}
    assert ".snap-" in script["EXPORT_DEVICE"]
    assert ".snap-" not in script["DISK_1_PATH"]


async def test_a_guest_goes_on_where_it_may_not_be_shut_down() -> None:
    cluster = await running()
    await cluster.run(op(shutdown=False))
    assert not {"instance_shutdown", "instance_start"} & {call for _, call in changes(cluster)}
    assert exports(cluster) == {"node2": ["web1"]}


async def test_without_room_for_snapshots_too() -> None:
    cluster = await running()
    cluster.nodes["node1"].volumes.capacity = 4000
    await assert_refused(cluster, op(), ECode.STATE, "no room for snapshots", "--long-sleep")
    await cluster.run(op(long_sleep=True))
    assert exports(cluster) == {"node2": ["web1"]}
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_removes_the_instance_afterwards() -> None:
    cluster = await running("file")
    await cluster.run(op(remove_instance=True))
    assert cluster.view.instances == {}
    assert cluster.guest_states("web1") == {}
    assert cluster.nodes["node1"].disks.disks == {}
    assert exports(cluster) == {"node2": ["web1"]}


async def test_an_instance_that_cannot_be_removed_leaves_the_export() -> None:
    cluster = stopped()
    cluster.nodes["node1"].disks.held = set(cluster.nodes["node1"].disks.disks)
    assert "in use" in str(await fails(cluster, op(remove_instance=True)))
    assert exports(cluster) == {"node2": ["web1"]}
    assert cluster.instance("web1").name == "web1"


async def test_an_instance_is_forgotten_where_failures_are_ignored() -> None:
    cluster = stopped()
    cluster.nodes["node1"].disks.held = set(cluster.nodes["node1"].disks.disks)
    await cluster.run(op(remove_instance=True, ignore_remove_failures=True))
    assert cluster.view.instances == {}


async def test_a_diskless_instance_is_its_settings() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", disks=())
    assert await cluster.run(op()) == [True, []]
    assert sorted(content(cluster, "node2")) == ["SHA256SUMS", "config.ini"]


# --- what is refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"instance_name": "web9"}, ECode.NOENT, "web9"),
        ({"target_node": "node9"}, ECode.NOENT, "node9"),
        ({"compress": "rar"}, ECode.INVAL, "gzip-fast"),
        ({"mode": "remote"}, ECode.INVAL, "list of destinations"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    await assert_refused(stopped(), op(**parameters), code, said)


@pytest.mark.parametrize(
    ("fields", "said"), [({"offline": True}, "offline"), ({"drained": True}, "drained")]
)
async def test_refuses_a_target_that_takes_nothing(fields: dict[str, bool], said: str) -> None:
    cluster = stopped()
    cluster.set_node("node2", **fields)
    await assert_refused(cluster, op(), ECode.STATE, "node2", said)


async def test_refuses_a_node_that_does_not_answer() -> None:
    await assert_refused(on_offline_node(), op(), ECode.STATE, "node2")
    await assert_refused(on_silent_node(), op(), ECode.ENVIRON, "node2")


@pytest.mark.parametrize("parameters", [{}, {"shutdown": False, "long_sleep": True}])
async def test_refuses_to_read_what_changes(parameters: dict[str, Any]) -> None:
    cluster = await running("file")
    await assert_refused(cluster, op(**parameters), ECode.STATE, "--long-sleep")


async def test_refuses_to_ignore_failures_of_no_removal() -> None:
    wanted = op(ignore_remove_failures=True)
    await assert_refused(stopped(), wanted, ECode.INVAL, "not to be removed")


async def test_refuses_to_remove_what_runs() -> None:
    wanted = op(remove_instance=True, shutdown=False)
    await assert_refused(await running(), wanted, ECode.STATE, "web1")


async def test_refuses_an_instance_without_scripts() -> None:
    cluster = SimCluster()
    await cluster.run(create(os_type=None, no_install=True, start=False))
    cluster.rpc_changes.clear()
    await assert_refused(cluster, op(), ECode.STATE, "no OS")


# --- what goes wrong


def nothing_is_left(cluster: SimCluster, before: dict[str, object]) -> None:
    """All is as it was."""
    assert cluster.footprint() == before


async def test_a_failing_script_leaves_the_older_export() -> None:
    cluster = exported_before()
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.failing["/export"] = "cannot read \x1b[31m"
    error = str(await fails(cluster, op()))
    assert "cannot read \\x1b[31m" in error
    nothing_is_left(cluster, before)


async def test_a_script_that_writes_nothing_is_no_backup() -> None:
    cluster = exported_before()
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.writes.clear()
    assert "wrote nothing" in str(await fails(cluster, op()))
    nothing_is_left(cluster, before)


async def test_a_script_that_hangs_is_ended() -> None:
    cluster = await running()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.hanging.add("/export")
    job = cluster.submit(op())
    await cluster.clock.sleep(1000.0)
    master = await cluster.master()
    await master.cancel(master.queue.get(await job), kill=True)
    assert isinstance(await failed(cluster, job), JobCanceled)
    assert cluster.nodes["node1"].programs.running == []
    nothing_is_left(cluster, before)


async def test_a_target_that_cannot_write_is_named() -> None:
    cluster = exported_before()
    await cluster.master()
    before = cluster.footprint()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        uuid = cluster.instance("web1").disks[0]
        (export_dir(cluster, "node2") / ".web1.new" / uuid).mkdir()
    assert f"{uuid}: Is a directory" in str(await failed(cluster, job))
    nothing_is_left(cluster, before)


async def test_only_the_node_that_has_the_instance_may_write() -> None:
    cluster = stopped()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node1"].uuid = "somebody-else"
    assert "not open to node 'somebody-else'" in str(await failed(cluster, job))


async def test_goes_on_when_the_target_was_away() -> None:
    cluster = stopped()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        cluster.nodes["node2"].reachable = False
    await cluster.clock.sleep(60.0)
    cluster.nodes["node2"].reachable = True
    await cluster.finished(job)
    assert DATA in content(cluster, "node2").values()


async def test_goes_on_when_the_master_was_away() -> None:
    cluster = exported_before()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.kill_master()
        await cluster.master()
    await cluster.finished(job)
    assert exports(cluster) == {"node2": ["web1"]}
    assert DATA in content(cluster, "node2").values()


async def test_a_source_that_lost_its_task_leaves_nothing() -> None:
    cluster = exported_before()
    await cluster.master()
    before = cluster.footprint()
    async with cluster.held_up("node2", "chunk_write"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.nodes["node1"].restart()
    await failed(cluster, job)
    nothing_is_left(cluster, before)


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = cluster.submit(op())
        await cluster.move("web1", to="node3")
    await cluster.finished(job)
    assert cluster.nodes["node3"].programs.paths()[-1].endswith("/export")


SETTLED = "older ones are removed after the point of no return"
KEPT = dict.fromkeys(("node2/exports/.web1.old",), SETTLED)


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(stopped, op(), spares=KEPT, may_stand=True)


async def test_unwinds_where_there_was_one_before() -> None:
    older = ("node2/exports/.web1.old", "node3/exports/web1")
    spares = dict.fromkeys((*older, *(f"{path}/config.ini" for path in older)), SETTLED)
    await assert_unwinds(exported_before, op(), spares=spares, may_stand=True)


async def test_what_was_left_of_older_ones_goes_with_the_next() -> None:
    cluster = exported_before()
    (put_export(cluster, "node2", ".web1.old") / "dump").write_bytes(DATA)
    (put_export(cluster, "node2", ".web1.new") / "dump").write_bytes(DATA)
    await cluster.run(op())
    assert exports(cluster) == {"node2": ["web1"]}
    assert "dump" not in content(cluster, "node2")
