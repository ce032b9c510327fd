"""What a guest's machine remembers goes into exports and comes back from them."""

from hashlib import sha256
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.model.exported import parse
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails, make_op
from tests.sim.backup.make import export_dir
from tests.sim.backup.test_export import KEPT
from tests.sim.backup.test_import import op as import_op
from tests.sim.instance.make_states import (
    PORTS,
    REMEMBERED,
    TPM,
    VARS,
    bios,
    disks,
    kvm,
    on_volumes,
    put_on_volumes,
    shape,
    uefi,
)

EXPORT = make_op(OpBackupExport, instance_name="web1", target_node="node2")
REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)
WHOLE = REMEMBERED + bytes(3 << 20)


async def remembering(**parameters: Any) -> SimCluster:
    """``web1`` on ``node1``, on whose disks there is something; exports write a dump."""
    cluster = kvm()
    await cluster.run(uefi(**parameters))
    put_on_volumes(cluster, "node1")
    return cluster


async def exported() -> SimCluster:
    """It was exported to ``node2`` and removed."""
    cluster = await remembering()
    await cluster.run(EXPORT)
    await cluster.run(REMOVE)
    return cluster


def again(**parameters: Any) -> Any:
    return import_op(**{"disk_template": "plain", **parameters})


def content(cluster: SimCluster) -> dict[str, bytes]:
    (directory,) = export_dir(cluster, "node2").iterdir()
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def test_their_bytes_are_in_the_export() -> None:
    cluster = await remembering()
    of_guest, *others = disks(cluster)
    await cluster.run(EXPORT)
    found = content(cluster)
    assert found[of_guest.uuid] == b"a dump"
    assert [found[disk.uuid] for disk in others] == [WHOLE, WHOLE]
    told = parse(found["config.ini"].decode())
    assert [(disk.name, disk.size) for disk in told.disks] == shape(cluster)
    assert (told.hvparams["boot_type"], told.hvparams["tpm"]) == ("uefi", "2.0")
    assert f"{sha256(WHOLE).hexdigest()}  {others[0].uuid}" in found["SHA256SUMS"].decode()


async def test_without_them_an_export_is_as_it_was() -> None:
    cluster = kvm()
    await cluster.run(bios())
    await cluster.run(EXPORT)
    found = content(cluster)
    (disk,) = disks(cluster)
    assert set(found) == {"config.ini", "SHA256SUMS", disk.uuid}
    text = found["config.ini"].decode()
    assert not any(word in text for word in ("boot_type", "tpm", "ganeti-"))


async def test_scripts_are_run_for_the_others_only() -> None:
    cluster = await remembering()
    await cluster.run(EXPORT)
    ran = [one for one in cluster.nodes["node1"].programs.ran if one.argv[0].endswith("/export")]
    (env,) = (one.env or {} for one in ran)
    assert (env["EXPORT_INDEX"], env["DISK_COUNT"]) == ("0", "1")


async def test_they_alone_are_no_backup() -> None:
    cluster = await remembering()
    cluster.nodes["node1"].programs.writes.clear()
    assert "wrote nothing" in str(await fails(cluster, EXPORT))


async def test_snapshots_of_them_are_dumped_of_a_guest_that_goes_on() -> None:
    cluster = await remembering(start=True)
    put_on_volumes(cluster, "node1")
    others = disks(cluster)[1:]
    await cluster.run(EXPORT)
    assert [content(cluster)[disk.uuid] for disk in others] == [WHOLE, WHOLE]
    assert len(cluster.nodes["node1"].volumes.disks) == 3


async def test_all_of_it_comes_back() -> None:
    cluster = await exported()
    await cluster.run(again())
    assert shape(cluster) == [(None, 1024), (VARS, 4), (TPM, 4)]
    _first, *others = on_volumes(cluster)
    assert others == [sha256(bytes(8) + REMEMBERED).hexdigest()] * 2
    assert cluster.nodes["node1"].programs.fed == [b"a dump"]
    env = cluster.nodes["node1"].programs.ran[-1].env or {}
    assert (env["OLD_INSTANCE_NAME"], env["DISK_COUNT"]) == ("web1", "1")


async def test_onto_other_disks_of_another_template() -> None:
    cluster = await exported()
    given = [{"size": 2048}, {"size": 1024}]
    await cluster.run(again(disk_template="drbd", snode="node3", disks=given, ignore_ipolicy=True))
    assert shape(cluster) == [(None, 2048), (None, 1024), (VARS, 4), (TPM, 4)]
    assert all(on_volumes(cluster)[2:])
    assert cluster.nodes["node1"].programs.fed == [b"a dump"]


async def test_what_is_not_needed_any_more_is_kept_all_the_same() -> None:
    cluster = await exported()
    await cluster.run(again(hvparams={"tpm": "none"}, disks=[{"size": 1024}]))
    assert shape(cluster) == [(None, 1024), (VARS, 4), (TPM, 4)]
    assert all(on_volumes(cluster)[1:])


async def test_a_foreign_export_gets_what_it_is_told_to_have() -> None:
    cluster = kvm()
    await cluster.run(bios())
    await cluster.run(EXPORT)
    await cluster.run(REMOVE)
    await cluster.run(again(hvparams={"boot_type": "uefi"}))
    assert shape(cluster) == [(None, 1024), (VARS, 4)]
    assert on_volumes(cluster)[1] == ""


async def test_damage_is_found_out() -> None:
    cluster = await exported()
    directory = export_dir(cluster, "node2") / "web1"
    (dump,) = [path for path in directory.iterdir() if path.read_bytes() == WHOLE][:1]
    dump.write_bytes(WHOLE[:-1] + b"!")
    assert "SHA-256" in str(await fails(cluster, again()))
    assert not cluster.nodes["node1"].volumes.disks


@pytest.mark.parametrize("size", [4, 3])
async def test_a_disk_that_is_named_must_be_large_enough(size: int) -> None:
    cluster = await exported()
    wanted = again(disks=[{"size": 1024}, {"size": size, "name": TPM}])
    if size < 4:
        await assert_refused(cluster, wanted, ECode.INVAL, "had 4 MiB", "3 MiB are too few")
        return
    await cluster.run(wanted)
    assert shape(cluster) == [(None, 1024), (TPM, 4), (VARS, 4)]
    assert all(on_volumes(cluster)[1:])


async def test_every_step_of_both_can_be_cut_off() -> None:
    await assert_unwinds(kvm, EXPORT, after=[uefi()], spares=KEPT, may_stand=True)
    await assert_unwinds(kvm, again(), after=[uefi(), EXPORT, REMOVE], keeps=PORTS)
