"""OP_INSTANCE_RENAME."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, StorageError
from pyganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceRename
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import create, on_offline_node, on_silent_node, running, stopped
from tests.sim.instance.make_drbd import disks_of, drbd, mirrored

ACTIVATE = OpInstanceActivateDisks(instance_name="web1")
FILES = "/srv/ganeti/file-storage"


def rename(name: str = "www", **parameters: Any) -> OpInstanceRename:  # Any: opcode parameters
    return make_op(OpInstanceRename, instance_name="web1", new_name=name, **parameters)


def on_volumes() -> SimCluster:
    return SimCluster(options={"enabled_disk_templates": ["plain"]})


async def log_of(cluster: SimCluster, op: OpInstanceRename) -> str:
    submitted = cluster.submit(op)
    await cluster.finished(submitted)
    return "\n".join(cluster.log(await submitted))


async def test_gives_another_name_and_moves_the_files() -> None:
    cluster = stopped()
    assert await cluster.run(rename()) == "www"
    assert cluster.view.find_instance("web1") is None
    (disk,) = cluster.view.disks_of(cluster.instance("www"))
    assert disk.logical_id[1] == f"{FILES}/www/0"
    node = cluster.nodes["node1"]
    assert node.disks.disks == {f"{FILES}/www/0": (1024, disk.uuid)}
    assert node.disks.directories == {f"{FILES}/www"}


async def test_runs_the_rename_script_with_both_names() -> None:
    cluster = stopped()
    await cluster.run(rename())
    node = cluster.nodes["node1"]
    (script,) = node.programs.ran
    assert script.argv[0].endswith("/rename")
    assert script.env is not None
    assert (script.env["OLD_INSTANCE_NAME"], script.env["INSTANCE_NAME"]) == ("web1", "www")
    assert script.env["DISK_0_PATH"] == f"{FILES}/www/0"


async def test_a_failing_script_is_told_and_the_name_stays() -> None:
    cluster = stopped()
    cluster.nodes["node1"].programs.failing["/rename"] = "no such host"
    log = await log_of(cluster, rename())
    assert "not within its guest" in log
    assert "no such host" in log
    assert cluster.instance("www").disks_active is False


async def test_with_its_own_name_only_the_script_runs() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(rename("web1"))
    assert cluster.footprint() == before
    assert [call for _, call in changes(cluster)] == [
        "blockdev_assemble",
        "instance_run_rename",
        "blockdev_shutdown",
    ]


async def test_notes_the_name_on_volumes() -> None:
    cluster = on_volumes()
    await cluster.run(create(disk_template="plain", disks=[{"size": 1024}], start=False))
    before = dict(cluster.nodes["node1"].volumes.disks)
    await cluster.run(rename())
    node = cluster.nodes["node1"]
    assert node.volumes.disks == before
    assert list(node.volumes.info.values()) == ["www"]


async def test_disks_that_were_active_are_so_under_the_new_name() -> None:
    cluster = stopped()
    await cluster.run(ACTIVATE)
    await cluster.run(rename())
    assert cluster.instance("www").disks_active
    links = {key for key in cluster.footprint() if "/links/" in key}
    assert links == {"node1/links/www:0"}


async def test_a_directory_with_other_files_stays_and_is_named() -> None:
    cluster = stopped()
    cluster.nodes["node1"].disks.disks[f"{FILES}/web1/notes"] = (1, "")
    assert f"{FILES}/web1" in await log_of(cluster, rename())
    assert cluster.instance("www").disks


async def test_a_place_that_is_taken_fails_and_nothing_is_left() -> None:
    cluster = stopped()
    await cluster.master()
    cluster.nodes["node1"].disks.disks[f"{FILES}/www/0"] = (7, "another")
    before = cluster.footprint()
    assert isinstance(await fails(cluster, rename()), StorageError)
    assert cluster.instance("web1").name == "web1"
    kept = {key: value for key, value in cluster.footprint().items() if "directories" not in key}
    assert kept == {key: value for key, value in before.items() if "directories" not in key}


async def test_takes_the_name_that_the_resolver_knows() -> None:
    cluster = stopped()
    cluster.hosts["www.example.com"] = "192.0.2.80"
    assert await cluster.run(rename(name_check=True)) == "www.example.com"
    await assert_refused(stopped(), rename("nobody", name_check=True), ECode.RESOLVER, "nobody")


async def test_refuses_an_address_that_answers() -> None:
    cluster = stopped()
    cluster.hosts["www"] = "192.0.2.80"
    cluster.answering.add("192.0.2.80")
    op = rename(name_check=True, ip_check=True)
    await assert_refused(cluster, op, ECode.NOTUNIQUE, "192.0.2.80", "www")
    await cluster.run(rename(name_check=True))


@pytest.mark.parametrize(
    ("name", "parameters", "code", "said"),
    [
        ("web2", {}, ECode.EXISTS, "web2"),
        ("node1", {}, ECode.EXISTS, "is a node"),
        ("cluster", {}, ECode.EXISTS, "name of the cluster"),
        ("192.0.2.7", {}, ECode.INVAL, "is an IP address"),
        ("not a name", {}, ECode.INVAL, "not a name"),
        ("www", {"ip_check": True}, ECode.INVAL, "name check"),
    ],
)
async def test_refuses(name: str, parameters: dict[str, Any], code: ECode, said: str) -> None:
    cluster = stopped()
    cluster.add_instance("web2")
    await assert_refused(cluster, rename(name, **parameters), code, said)


async def test_refuses_what_runs_or_should() -> None:
    cluster = await running()
    await assert_refused(cluster, rename(), ECode.STATE, "up")
    await cluster.set_admin_state("web1", AdminState.DOWN)
    await assert_refused(cluster, rename(), ECode.STATE, "is running")


async def test_refuses_nodes_that_cannot_be_asked() -> None:
    await assert_refused(on_offline_node(), rename(), ECode.STATE, "node2")
    await assert_refused(on_silent_node(), rename(), ECode.ENVIRON, "node2")


async def test_an_instance_without_disks_only_gets_the_name() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", disks=())
    await cluster.run(rename())
    assert cluster.instance("www").name == "www"
    assert changes(cluster) == []


async def test_of_two_at_once_one_gets_the_name() -> None:
    cluster = stopped()
    cluster.add_instance("web2")
    first = cluster.submit(rename())
    second = cluster.submit(OpInstanceRename(instance_name="web2", new_name="www"))
    await cluster.finished(first)
    with pytest.raises(Exception, match="already in the cluster"):
        await cluster.finished(second)


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(stopped, rename())


async def test_unwinds_from_every_fault_point_with_active_disks() -> None:
    await assert_unwinds(stopped, rename(), after=[ACTIVATE])


async def test_renames_what_is_mirrored_on_both_nodes() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False))
    await cluster.run(rename())
    for name in ("node1", "node2"):
        assert set(cluster.nodes[name].volumes.info.values()) == {"www"}


async def test_a_mirrored_one_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(drbd, rename(), after=[mirrored(start=False, no_install=True)])


async def test_the_secret_of_a_mirror_reaches_no_journal() -> None:
    cluster = drbd()
    await cluster.run(mirrored(start=False, no_install=True))
    ((_, found),) = disks_of(cluster)
    async with cluster.held_up("node1", "blockdev_setinfo"):
        job = cluster.submit(rename())
        while not cluster.backend.keys(Table.JOURNAL):
            await cluster.clock.sleep(0.1)
        journal = cluster.backend.dump().contents[Table.JOURNAL]
        assert not any(found.secret.encode() in value for value in journal.values())
    await cluster.finished(job)


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = cluster.submit(rename())
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    assert list(cluster.nodes["node2"].disks.disks) == [f"{FILES}/www/0"]


async def test_tells_a_dry_run_what_it_would_do() -> None:
    cluster = stopped()
    log = await log_of(cluster, rename(dry_run=True))
    for said in (f"{FILES}/www", "rename web1 to www", "rename script of noop"):
        assert said in log
    assert cluster.instance("web1").name == "web1"
