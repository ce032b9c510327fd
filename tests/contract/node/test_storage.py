"""Guarantees of ``DiskDriver``, on the fake and on files."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, run
from pyganeti.model.errors import BlockDeviceError, StorageError
from pyganeti.node.storage.base import MIB, DiskDriver, Storage
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.node.storage.file import FileDriver
from pyganeti.node.storage.whitelist import Whitelist
from pyganeti.wire.noderpc.types import DiskSpec, TaskProgress

MakeDriver = Callable[[Path], DiskDriver]


def file_driver(root: Path) -> DiskDriver:
    paths = Paths(str(root), root.name)
    Path(paths.conf_dir).mkdir(parents=True)
    Path(paths.file_storage_paths).write_text("/srv/disks\n")
    (root / "srv" / "disks" / "web1").mkdir(parents=True)
    return FileDriver(Whitelist(paths), "file")


@pytest.fixture(params=[lambda _root: FakeDriver(), file_driver], ids=["fake", "file"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> DiskDriver:
    made: DiskDriver = request.param(tmp_path)
    return made


def disk(name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
    place = ("loop", f"/srv/disks/web1/{name}")
    return DiskSpec(dev_type="file", logical_id=place, size=size, uuid=uuid, iv_name="disk/0")


def ignore(_made: TaskProgress) -> None:
    return None


async def test_a_new_disk_has_exactly_its_size(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    assert (await driver.assemble(disk())).size == 4 * MIB


async def test_an_existing_place_is_refused_and_kept(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    with pytest.raises(StorageError, match=r"disk/0: .*exists already"):
        await driver.create(disk(uuid="u-1"), repeated=False)
    assert await driver.find(disk()) is not None


async def test_a_repeat_of_a_creation_is_a_success(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    await driver.create(disk(), repeated=True)
    assert (await driver.assemble(disk())).size == 4 * MIB


async def test_a_repeat_does_not_take_another_disk(driver: DiskDriver) -> None:
    await driver.create(disk(size=8), repeated=False)
    with pytest.raises(StorageError):
        await driver.create(disk(size=4), repeated=True)


async def test_what_can_never_fit_leaves_nothing(driver: DiskDriver) -> None:
    with pytest.raises(StorageError, match=r"disk/0: \d+ MiB do not fit"):
        await driver.create(disk(size=1 << 40), repeated=False)
    assert await driver.find(disk()) is None


async def test_removing_may_be_repeated(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    await driver.remove(disk())
    await driver.remove(disk())
    assert await driver.find(disk()) is None


async def test_a_missing_disk_cannot_be_assembled(driver: DiskDriver) -> None:
    with pytest.raises(BlockDeviceError, match="does not exist"):
        await driver.assemble(disk())


async def test_growing_may_be_repeated(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    await driver.grow(disk(), 2, dryrun=False)
    await driver.grow(disk(), 2, dryrun=False)
    assert (await driver.assemble(disk())).size == 6 * MIB


async def test_a_trial_changes_nothing(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    await driver.grow(disk(), 2, dryrun=True)
    assert (await driver.assemble(disk())).size == 4 * MIB


async def test_growing_beyond_all_space_changes_nothing(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    with pytest.raises(StorageError, match="do not fit"):
        await driver.grow(disk(), 1 << 40, dryrun=False)
    assert (await driver.assemble(disk())).size == 4 * MIB


async def test_disks_do_not_shrink(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    with pytest.raises(StorageError, match="shrink"):
        await driver.grow(disk(), -1, dryrun=False)


async def test_wiping_beyond_the_end_is_refused(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    with pytest.raises(StorageError, match="beyond the end"):
        await driver.wipe(disk(), 2, 3, ignore)


async def test_wiping_tells_its_progress(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    said: list[TaskProgress] = []
    await driver.wipe(disk(), 1, 3, said.append)
    assert said[-1] == TaskProgress(3, 3)


async def test_renaming_may_be_repeated_and_never_replaces(driver: DiskDriver) -> None:
    await driver.create(disk(), repeated=False)
    await driver.rename(disk(), disk("1"))
    await driver.rename(disk(), disk("1"))
    assert await driver.find(disk()) is None
    await driver.create(disk(), repeated=False)
    with pytest.raises(StorageError):
        await driver.rename(disk(), disk("1"))
    assert await driver.find(disk()) is not None


async def test_space_is_told(driver: DiskDriver) -> None:
    space = await driver.space("/srv/disks")
    assert space.storage_free is not None
    assert space.storage_size is not None
    assert 0 < space.storage_free <= space.storage_size


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(BlockDeviceError, match="'plain' is not supported"):
        Storage({}).driver("plain")


def overwrite(path: str, content: bytes) -> None:
    with open(path, "r+b") as image:
        image.write(content)


async def test_an_image_is_sparse_and_wiped_for_good(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create(disk(), repeated=False)
    path = (await driver.assemble(disk())).path
    assert os.stat(path).st_blocks == 0
    overwrite(path, b"secret" * MIB)
    await driver.wipe(disk(size=6), 0, 6, ignore)
    assert read_bytes(path) == bytes(6 * MIB)
    assert os.stat(path).st_blocks * 512 >= 6 * MIB


async def test_another_disks_file_is_not_removed(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create(disk(), repeated=False)
    path = (await driver.assemble(disk())).path
    try:
        os.getxattr(path, "user.ganeti.disk")
    except OSError:
        pytest.skip("this file system has no extended attributes for users")
    with pytest.raises(StorageError, match="belongs to disk u-0"):
        await driver.remove(disk(uuid="u-1"))
    assert await driver.find(disk()) is not None


async def test_a_missing_directory_is_one_clear_line(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await FileDriver.remove_directory(cast("FileDriver", driver), "/srv/disks/web1")
    with pytest.raises(StorageError, match=r"disk/0: .*No such file or directory") as failed:
        await driver.create(disk(), repeated=False)
    assert "\n" not in str(failed.value)


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[DiskDriver]:
    """A driver on a file system of 1 MiB with room for one file more."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    driver = file_driver(tmp_path)
    place = str(tmp_path / "srv" / "disks" / "web1")
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=2", "tmpfs", place)
    try:
        await run(Command(mount))
    except ProcessError as err:
        pytest.skip(f"a small file system cannot be mounted here: {err}")
    yield driver
    await run(Command(("umount", place)))


async def test_a_full_disk_leaves_no_file(full: DiskDriver) -> None:
    await full.create(disk("0", size=1), repeated=False)
    with pytest.raises(StorageError, match=r"disk/0: .*No space left on device"):
        await full.create(disk("1", size=1), repeated=False)
    assert await full.find(disk("1")) is None


async def test_a_disk_that_becomes_full_is_told(full: DiskDriver) -> None:
    await full.create(disk(size=1), repeated=False)
    await full.grow(disk(size=1), 1, dryrun=False)
    with pytest.raises(StorageError, match=r"disk/0: .*No space left on device"):
        await full.wipe(disk(size=2), 0, 2, ignore)
