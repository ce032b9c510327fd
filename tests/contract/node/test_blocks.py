"""What is on disks, read and written: real files, and the simulated node's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.model.errors import OpExecError, StorageError
from pyganeti.node.storage.blocks import Blocks, DeviceBlocks
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.testing.contents import SimBlocks
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork

MIB = 1 << 20
PIECE = bytes(range(256)) * 4096
OTHER = PIECE[::-1]


def real(directory: Path) -> tuple[Blocks, str]:
    """An image of 3 MiB."""
    path = directory / "disk"
    with path.open("wb") as handle:
        handle.truncate(3 * MIB)
    return DeviceBlocks(), str(path)


def simulated(_directory: Path) -> tuple[Blocks, str]:
    """A simulated node's disk of 3 MiB."""
    driver = FakeDriver()
    driver.disks["/srv/disk"] = (3, "u-0")
    return SimBlocks((driver,), SimDrbd(DrbdNetwork(SystemClock()), set())), "/srv/disk"


Make = Callable[[Path], tuple[Blocks, str]]
both = pytest.mark.parametrize("make", [real, simulated])


@both
async def test_what_is_written_is_read(make: Make, tmp_path: Path) -> None:
    blocks, path = make(tmp_path)
    assert await blocks.size(path) == 3 * MIB
    await blocks.write(path, MIB, PIECE)
    await blocks.write(path, 2 * MIB, OTHER)
    assert await blocks.read(path, 0, 3 * MIB) == bytes(MIB) + PIECE + OTHER
    await blocks.write(path, MIB, OTHER)
    await blocks.write(path, MIB, OTHER)
    await blocks.sync(path)
    await blocks.release(path)
    await blocks.release(path)
    assert await blocks.read(path, MIB, MIB) == OTHER


@both
async def test_less_is_read_at_the_end(make: Make, tmp_path: Path) -> None:
    blocks, path = make(tmp_path)
    assert len(await blocks.read(path, 2 * MIB, 8 * MIB)) == MIB
    assert await blocks.read(path, 3 * MIB, MIB) == b""


@both
async def test_a_disk_does_not_grow(make: Make, tmp_path: Path) -> None:
    blocks, path = make(tmp_path)
    with pytest.raises(OpExecError):
        await blocks.write(path, 2 * MIB, PIECE + PIECE)
    assert await blocks.size(path) == 3 * MIB
    assert await blocks.read(path, 2 * MIB, MIB) == bytes(MIB)


@both
async def test_what_is_not_there_is_not_made(make: Make, tmp_path: Path) -> None:
    blocks, path = make(tmp_path)
    for work in (blocks.size(f"{path}x"), blocks.write(f"{path}x", 0, PIECE)):
        with pytest.raises((OSError, StorageError), match="No such file"):
            await work
    assert not (tmp_path / "diskx").exists()


async def test_one_that_was_released_is_opened_anew(tmp_path: Path) -> None:
    blocks, path = real(tmp_path)
    await blocks.write(path, 0, PIECE)
    await blocks.release(path)
    (tmp_path / "disk").rename(tmp_path / "old")
    real(tmp_path)
    await blocks.write(path, 0, OTHER)
    assert (tmp_path / "old").read_bytes()[:MIB] == PIECE
    assert (tmp_path / "disk").read_bytes()[:MIB] == OTHER


async def test_a_link_to_a_device_is_followed(tmp_path: Path) -> None:
    blocks, _path = real(tmp_path)
    (tmp_path / "volume").symlink_to(tmp_path / "disk")
    await blocks.write(str(tmp_path / "volume"), 0, PIECE)
    await blocks.sync(str(tmp_path / "volume"))
    assert (tmp_path / "disk").read_bytes()[:MIB] == PIECE


async def test_a_full_file_system_names_the_disk(tmp_path: Path) -> None:
    blocks, path = real(tmp_path)
    (tmp_path / "disk").unlink()
    (tmp_path / "disk").symlink_to("/dev/full")
    with pytest.raises(OpExecError, match="has 0 bytes"):
        await blocks.write(path, 0, PIECE)
