"""OP_INSTANCE_CREATE with the mode ``import``."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode, OpExecError
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails, make_op
from tests.sim.backup.make import export_dir, exports
from tests.sim.instance.make import create

DATA = bytes(range(256)) * 5000
SETTINGS: dict[str, Any] = {
    "disks": [{"size": 1024, "name": "root"}, {"size": 2048}],
    "nics": [{"mac": "aa:00:00:00:00:77", "ip": "192.0.2.77", "mode": "bridged", "link": "br0"}],
    "beparams": {"maxmem": 256, "minmem": 128, "vcpus": 3},
    "osparams": {"message": "hello"},
    "tags": ["critical", "tier:web"],
    "start": False,
}
BEFORE = (
    create(**SETTINGS),
    make_op(OpBackupExport, instance_name="web1", target_node="node2"),
    OpInstanceRemove(instance_name="web1"),
)


def op(name: str = "web1", **parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """Import ``web1`` to ``node1``."""
    wanted = {
        "instance_name": name, "mode": "import", "pnode": "node1", "disks": (), "nics": (),
        "start": False, **parameters,
    }  # fmt: skip
    return make_op(OpInstanceCreate, **wanted)


def writing() -> SimCluster:
    """No instance; export scripts write."""
    cluster = SimCluster(options={"enabled_disk_templates": ["file", "plain", "drbd"]})
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = DATA
    return cluster


async def exported() -> SimCluster:
    """``web1`` was exported to ``node2`` and removed."""
    cluster = writing()
    for earlier in BEFORE:
        await cluster.run(earlier)
    cluster.rpc_changes.clear()
    return cluster


def fed(cluster: SimCluster, node: str = "node1") -> list[bytes]:
    """What import scripts on a node got."""
    return cluster.nodes[node].programs.fed


async def test_all_is_as_it_was() -> None:
    cluster = await exported()
    assert await cluster.run(op()) == ["node1"]
    instance = cluster.instance("web1")
    disks = cluster.view.disks_of(instance)
    assert [(disk.size, disk.name) for disk in disks] == [(1024, "root"), (2048, None)]
    (nic,) = instance.nics
    assert (nic.mac, nic.ip) == ("aa:00:00:00:00:77", "192.0.2.77")
    assert cluster.view.filled_beparams(instance).maxmem == 256
    assert cluster.view.filled_beparams(instance).vcpus == 3
    assert (instance.os, instance.tags) == ("noop+default", ("critical", "tier:web"))
    assert instance.osparams == {"message": "hello"}
    assert fed(cluster) == [DATA, DATA]
    assert exports(cluster) == {"node2": ["web1"]}


async def test_scripts_are_told_what_they_fill() -> None:
    cluster = await exported()
    await cluster.run(op())
    *_, first, second, rename = (one.env or {} for one in cluster.nodes["node1"].programs.ran)
    assert (first["IMPORT_INDEX"], second["IMPORT_INDEX"]) == ("0", "1")
    assert second["IMPORT_DEVICE"] == second["DISK_1_PATH"]
    assert rename["OLD_INSTANCE_NAME"] == "web1"
    assert not any(path.endswith("/create") for path in cluster.nodes["node1"].programs.paths()[2:])


async def test_with_another_name_and_other_settings() -> None:
    cluster = await exported()
    await cluster.run(
        op(
            "web2",
            src_path="web1",
            pnode="node3",
            disk_template="plain",
            disks=[{"size": 1024}, {"size": 4096}],
            nics=[{"mac": "generate"}],
            beparams={"memory": 512},
        )
    )
    instance = cluster.instance("web2")
    assert [disk.size for disk in cluster.view.disks_of(instance)] == [1024, 4096]
    assert instance.nics[0].mac != "aa:00:00:00:00:77"
    found = cluster.view.filled_beparams(instance)
    assert (found.minmem, found.maxmem, found.vcpus) == (512, 512, 3)
    assert fed(cluster, "node3")[-1] == DATA


async def test_without_the_nics_that_were_exported() -> None:
    cluster = await exported()
    await cluster.run(op(nics=None, ignore_ipolicy=True))
    assert cluster.instance("web1").nics == ()


async def test_defaults_are_recognized_where_asked() -> None:
    cluster = await exported()
    await cluster.run(op(identify_defaults=True))
    instance = cluster.instance("web1")
    assert set(instance.beparams) == {"maxmem", "vcpus"}
    assert instance.hvparams == {}
    assert "mode" not in instance.nics[0].nicparams


async def test_without_checksums_the_log_says_so() -> None:
    cluster = await exported()
    (export_dir(cluster, "node2") / "web1" / "SHA256SUMS").unlink()
    job = cluster.submit(op())
    await cluster.finished(job)
    assert "no checksum of disk/1" in "\n".join(cluster.log(await job))
    assert fed(cluster) == [DATA, DATA]


async def test_a_rename_script_that_fails_is_named() -> None:
    cluster = await exported()
    cluster.nodes["node1"].programs.failing["/rename"] = "who am I"
    job = cluster.submit(op())
    await cluster.finished(job)
    assert "who am I" in "\n".join(cluster.log(await job))


# --- what is refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"name": "web9"}, ECode.INVAL, "no node has an export web9"),
        ({"src_node": "node3"}, ECode.ENVIRON, "config.ini is missing"),
        ({"src_node": "node9"}, ECode.NOENT, "node9"),
        ({"src_path": "/etc/ganeti"}, ECode.INVAL, "--src-node"),
        ({"src_path": "../web1", "src_node": "node2"}, ECode.ENVIRON, "where exports lie"),
        ({"disks": [{"size": 1024}]}, ECode.INVAL, "2 disks were exported"),
        ({"disks": [{"size": 512}, {"size": 2048}]}, ECode.INVAL, "512 MiB are too few"),
        ({"compress": "rar"}, ECode.INVAL, "gzip"),
        ({"disk_template": "ext"}, ECode.STATE, "ext"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    await assert_refused(await exported(), op(**parameters), code, said)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"version = 0", b"version = 9", "version 9"),
        (b"os = noop", b"os = missing", "missing"),
        (b"disk_template = file", b"disk_template = paper", "paper"),
        (b"disk1_dump = ", b"disk1_dump = x", "is missing in the export"),
        (b"[export]", b"\0\1\2", "config.ini"),
    ],
)
async def test_refuses_a_damaged_description(before: bytes, after: bytes, said: str) -> None:
    cluster = await exported()
    path = export_dir(cluster, "node2") / "web1" / "config.ini"
    path.write_bytes(path.read_bytes().replace(before, after, 1))
    error = await fails(cluster, op())
    assert said in str(error)
    assert cluster.rpc_changes == []


async def test_refuses_addresses_that_are_taken() -> None:
    cluster = await exported()
    await cluster.run(create("web2", nics=SETTINGS["nics"], start=False))
    cluster.rpc_changes.clear()
    await assert_refused(cluster, op(), ECode.NOTUNIQUE, "aa:00:00:00:00:77")


# --- what goes wrong


@pytest.mark.parametrize("damage", [DATA[:-1], DATA + b"x", b"x" + DATA[1:], b""])
async def test_a_damaged_dump_leaves_nothing(damage: bytes) -> None:
    cluster = await exported()
    directory = export_dir(cluster, "node2") / "web1"
    sums = (directory / "SHA256SUMS").read_text().splitlines()
    file = next(line.split("  ")[1] for line in sums if "config.ini" not in line)
    (directory / file).write_bytes(damage)
    before = cluster.footprint()
    error = await fails(cluster, op())
    assert isinstance(error, OpExecError)
    assert f"{file} is damaged" in str(error)
    assert cluster.footprint() == before


async def test_a_failing_script_leaves_nothing() -> None:
    cluster = await exported()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.failing["/import"] = "no such archive"
    assert "no such archive" in str(await fails(cluster, op()))
    assert cluster.footprint() == before


async def test_goes_on_when_the_master_was_away() -> None:
    cluster = await exported()
    async with cluster.held_up("node2", "chunk_read"):
        job = cluster.submit(op())
        await cluster.clock.sleep(100.0)
        await cluster.kill_master()
        await cluster.master()
    await cluster.finished(job)
    assert fed(cluster) == [DATA, DATA]


async def test_an_export_is_not_removed_while_it_is_read() -> None:
    cluster = await exported()
    async with cluster.instance_held("web1"):
        job = cluster.submit(op("web2", src_path="web1", nics=[{"mac": "generate"}]))
        await cluster.clock.sleep(100.0)
        assert cluster.rpc_changes == []
    await cluster.finished(job)


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(writing, op(), after=BEFORE)
