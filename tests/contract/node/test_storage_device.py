"""Block devices of others, on a loop device where there is one."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, ProcessError, run
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.device import DeviceDriver, adoptable_size
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress


def disk(path: str) -> DiskSpec:
    place = ("manual", path)
    return DiskSpec(dev_type="blockdev", logical_id=place, size=4, uuid="u-0", iv_name="disk/0")


@pytest.fixture
async def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A stable name of a device of 4 MiB."""
    image = tmp_path / "image"
    image.write_bytes(bytes(4 * MIB))
    try:
        loop = (await run(Command(("losetup", "--find", "--show", str(image))))).stdout.strip()
    except ProcessError as err:
        pytest.skip(f"no loop device to be had: {err}")
    names = tmp_path / "disk"
    names.mkdir()
    (names / "lun").symlink_to(loop)
    monkeypatch.setattr("pyganeti.node.storage.device.ADOPTABLE_DEVICES", f"{names}/")
    yield str(names / "lun")
    await run(Command(("losetup", "--detach", loop)))


async def test_a_device_is_found_with_its_size(device: str) -> None:
    found = await DeviceDriver().assemble(disk(device))
    assert (found.path, found.size) == (device, 4 * MIB)
    assert await DeviceDriver().find(disk(device)) == found
    assert await adoptable_size(device) == 4


async def test_one_in_use_is_not_adopted(device: str) -> None:
    handle = os.open(device, os.O_RDWR | os.O_EXCL)
    try:
        with pytest.raises(StorageError, match="busy"):
            await adoptable_size(device)
    finally:
        os.close(handle)


async def test_nothing_changes_a_device(device: str) -> None:
    driver, here = DeviceDriver(), disk(device)

    def ignore(_made: TaskProgress) -> None:
        return None

    for attempt in (
        driver.create(here, repeated=True),
        driver.grow(here, 4, dryrun=False),
        driver.wipe(here, 0, 4, ignore),
        driver.rename(here, disk(f"{device}2")),
    ):
        with pytest.raises(StorageError, match="disk/0"):
            await attempt
    await driver.remove(here)
    assert await adoptable_size(device) == 4


async def test_other_files_are_no_devices(device: str) -> None:
    file = Path(device).parent / "file"
    file.write_bytes(b"x")
    for path in (str(file), f"{device}9"):
        assert await DeviceDriver().find(disk(path)) is None
    with pytest.raises(StorageError, match="not a block device"):
        await adoptable_size(str(file))


@pytest.mark.parametrize("path", ["/dev/sda", "/dev/disk/../sda", "/dev/disk/by-id//x", "x"])
async def test_only_names_that_stay_are_taken(path: str) -> None:
    with pytest.raises(StorageError, match="no stable name"):
        await adoptable_size(path)
    with pytest.raises(StorageError, match="no stable name"):
        await DeviceDriver().assemble(disk(path))
