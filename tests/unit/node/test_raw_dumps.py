"""Dumps of disks that no OS definition knows."""

import os
from pathlib import Path

import pytest

from pyganeti.model.errors import OpExecError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.raw_dumps import dump, restore
from pyganeti.node.storage.blocks import DeviceBlocks
from pyganeti.wire.noderpc.specs import DiskSpec

MIB = 1 << 20
CONTENT = os.urandom(MIB) + bytes(MIB) + os.urandom(MIB)


def disk(path: Path, size: int = 3) -> GuestDisk:
    spec = DiskSpec(dev_type="file", logical_id=("loop", str(path)), size=size, iv_name="disk/1")
    return GuestDisk(spec, str(path))


async def dumped(device: GuestDisk) -> bytes:
    found = bytearray()

    async def take(piece: bytes) -> None:
        found.extend(piece)

    await dump(DeviceBlocks(), device, take)
    return bytes(found)


async def restored(device: GuestDisk, data: bytes) -> None:
    pieces = [data[at : at + MIB] for at in range(0, len(data), MIB)]

    async def give() -> bytes:
        return pieces.pop(0) if pieces else b""

    await restore(DeviceBlocks(), device, give)


async def test_all_bytes_come_out_and_go_back(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(CONTENT)
    target.write_bytes(b"x" * 4 * MIB)
    await restored(disk(target), await dumped(disk(source)))
    assert target.read_bytes() == CONTENT + b"x" * MIB


async def test_a_dump_is_as_long_as_the_disk_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    assert await dumped(disk(path, 2)) == CONTENT[: 2 * MIB]
    with pytest.raises(OpExecError, match=f"disk/1 ends after {3 * MIB} bytes"):
        await dumped(disk(path, 4))


async def test_what_does_not_fit_or_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(2 * MIB))
    with pytest.raises(OpExecError, match="do not fit"):
        await restored(disk(path), CONTENT)
    with pytest.raises(OpExecError, match=r"disk/1: .*gone: No such file"):
        await dumped(disk(tmp_path / "gone"))
    with pytest.raises(OpExecError, match="access=userspace"):
        await dumped(GuestDisk(disk(path).spec, ""))
