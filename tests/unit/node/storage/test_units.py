"""Storage units: what LVM reports, and what lies in directories."""

import json
import os
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, Finished, run
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.node.storage.units import StorageUnits, directory_size
from pyganeti.wire.noderpc.disks import StorageInfo, StorageUnit
from pyganeti.wire.noderpc.units import StorageListCall, UnitDetails, VolumePiece

MIB = 1 << 20
SEGMENTS = [
    ("xenvg", "plain", 64, "/dev/sda(0)"),
    ("xenvg", "plain", 64, "/dev/sda(128)"),
    ("xenvg", "striped", 32, "/dev/sda(16),/dev/sdb(0)"),
    ("xenvg", "raid", 16, "raid_rimage_0(0),raid_rimage_1(0)"),
    ("other", "thin", 8, ""),
]
VOLUMES = [("/dev/sdb", 100, 60, "a--"), ("/dev/sda", 50, 0, "u--"), ("[unknown]", 10, 0, "a-m")]


def answer(what: str, rows: list[dict[str, str]]) -> Finished:
    return Finished(0, json.dumps({"report": [{what: rows}]}), "")


async def reports(command: Command) -> Finished:
    """LVM's programs, with fixed answers."""
    if command.argv[0] == "lvs":
        assert "--segments" in command.argv
        names = ("vg_name", "lv_name", "lv_size", "devices")
        rows = [(group, name, str(mib * MIB), where) for group, name, mib, where in SEGMENTS]
        return answer("seg", [dict(zip(names, row, strict=True)) for row in rows])
    assert command.argv[0] == "pvs"
    keys = ("pv_name", "pv_size", "pv_free", "pv_attr")
    rows = [(name, str(size * MIB), str(free * MIB), attr) for name, size, free, attr in VOLUMES]
    return answer("pv", [dict(zip(keys, row, strict=True)) for row in rows])


async def no_space(unit: StorageUnit) -> StorageInfo:
    return StorageInfo(type=unit.type, name=unit.name)


def units(root: str = "") -> StorageUnits:
    return StorageUnits(Lvm(reports), no_space, lambda path: f"{root}{path}")


async def test_a_volume_is_told_once_for_each_physical_one_it_lies_on() -> None:
    found = await units().volumes()
    assert found == (
        VolumePiece(group="xenvg", name="plain", size=64, device="/dev/sda"),
        VolumePiece(group="xenvg", name="striped", size=32, device="/dev/sda"),
        VolumePiece(group="xenvg", name="striped", size=32, device="/dev/sdb"),
    )


async def test_a_node_without_lvm_has_no_volumes() -> None:
    async def absent(command: Command) -> Finished:
        return await run(Command((f"/nowhere/{command.argv[0]}", *command.argv[1:])))

    without = StorageUnits(Lvm(absent), no_space, str)
    assert await without.volumes() == ()
    with pytest.raises(StorageError, match="pvs"):
        await without.list(StorageListCall(storage_type="lvm-pv"))


async def test_lvm_that_fails_is_no_node_without_volumes() -> None:
    async def broken(command: Command) -> Finished:
        return await run(Command(("/bin/false",)))

    with pytest.raises(StorageError):
        await StorageUnits(Lvm(broken), no_space, str).volumes()


async def test_physical_volumes_that_are_there() -> None:
    assert await units().list(StorageListCall(storage_type="lvm-pv")) == (
        UnitDetails(name="/dev/sda", size=50, used=50, free=0, allocatable=False),
        UnitDetails(name="/dev/sdb", size=100, used=40, free=60),
    )


async def test_a_directory_whose_space_is_not_known_has_none(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    call = StorageListCall(storage_type="file", directories=("/srv",))
    found = await units(str(tmp_path)).list(call)
    assert found == (UnitDetails(name="/srv", size=0, used=0, free=0),)


def test_holes_and_what_links_point_to_count_as_nothing(tmp_path: Path) -> None:
    with open(tmp_path / "sparse", "wb") as handle:
        handle.truncate(1 << 30)
    os.symlink("/", tmp_path / "everything")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "disk").write_bytes(b"x" * (2 * MIB))
    assert 2 * MIB <= directory_size(str(tmp_path)) < 3 * MIB
    assert directory_size(str(tmp_path / "missing")) == 0
