"""What holds of files as disks beside what holds of all disks."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Command, ProcessError, run
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.file import FileDriver
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress
from tests.contract.node.storage_kinds import file_driver
from tests.needs import skip_unless_root


def disk(name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
    place = ("loop", f"/srv/disks/web1/{name}")
    return DiskSpec(dev_type="file", logical_id=place, size=size, uuid=uuid, iv_name="disk/0")


def of_tpm(size: int = 4) -> DiskSpec:
    return msgspec.structs.replace(disk(size=size), name="ganeti-tpm-state")


def ignore(_made: TaskProgress) -> None:
    return None


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


async def test_a_missing_directory_is_one_clear_line(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.remove_directory("/srv/disks/web1")
    with pytest.raises(StorageError, match=r"disk/0: .*No such file or directory") as failed:
        await driver.create(disk(), repeated=False)
    assert "\n" not in str(failed.value)


async def test_empty_directories_above_go_too_up_to_the_clusters_own(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    storage = tmp_path / "srv" / "disks"
    for name in ("web1", "rack/1/web2", "rack/2/web3"):
        await driver.create_directory(f"/srv/disks/{name}")
    await driver.remove_directory("/srv/disks/rack/1/web2", "/srv/disks")
    assert names(storage) == {"web1", "rack", "rack/2", "rack/2/web3"}
    await driver.remove_directory("/srv/disks/rack/2/web3", "/srv/disks")
    # A repeat finds nothing to do, and what others have stays.
    await driver.remove_directory("/srv/disks/rack/2/web3", "/srv/disks")
    assert names(storage) == {"web1"}
    await driver.remove_directory("/srv/disks/web1", "/srv/disks")
    assert names(storage) == set()
    assert names(storage.parent) == {"disks"}


async def test_without_a_limit_those_above_stay(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create_directory("/srv/disks/rack/web1")
    await driver.remove_directory("/srv/disks/rack/web1")
    await driver.remove_directory("/srv/disks/rack/web1", "/srv/dis")
    await driver.remove_directory("/srv/disks/rack/web1", "/srv/disks/rack")
    assert names(tmp_path / "srv" / "disks") == {"web1", "rack"}


async def test_a_directory_is_made_while_those_above_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = file_driver(tmp_path)
    make, removals = os.makedirs, [1, 2]

    def made(path: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        if removals:
            removals.pop()
            raise FileNotFoundError(2, "No such file or directory", path)
        make(path, mode, exist_ok=exist_ok)

    monkeypatch.setattr(os, "makedirs", made)
    await driver.create_directory("/srv/disks/rack/web1")
    assert "rack/web1" in names(tmp_path / "srv" / "disks")


def names(directory: Path) -> set[str]:
    """Of all that is below."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[FileDriver]:
    """A driver on a file system of 1 MiB with room for one file more."""
    skip_unless_root("mounts file systems")
    driver = file_driver(tmp_path)
    place = str(tmp_path / "srv" / "disks" / "web1")
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=2", "tmpfs", place)
    try:
        await run(Command(mount))
    except ProcessError as err:
        pytest.skip(f"a small file system cannot be mounted here: {err}")
    yield driver
    await run(Command(("umount", place)))


async def test_a_full_disk_leaves_no_file(full: FileDriver) -> None:
    await full.create(disk("0", size=1), repeated=False)
    with pytest.raises(StorageError, match=r"disk/0: .*No space left on device"):
        await full.create(disk("1", size=1), repeated=False)
    assert await full.find(disk("1")) is None


async def test_a_disk_that_becomes_full_is_told(full: FileDriver) -> None:
    await full.create(disk(size=1), repeated=False)
    await full.grow(disk(size=1), 1, dryrun=False)
    with pytest.raises(StorageError, match=r"disk/0: .*No space left on device"):
        await full.wipe(disk(size=2), 0, 2, ignore)


def linked(image: str, target: str) -> None:
    """Replace an image by a link to ``target``."""
    Path(target).write_bytes(b"kept")
    os.unlink(image)
    os.symlink(target, image)


@pytest.mark.parametrize("target", ["srv/disks/web1/1", "victim"])
async def test_an_image_that_was_replaced_by_a_link_leads_nowhere(
    tmp_path: Path, target: str
) -> None:
    driver = file_driver(tmp_path)
    await driver.create(disk(), repeated=False)
    linked((await driver.assemble(disk())).path, f"{tmp_path}/{target}")
    for attempt in (
        driver.assemble(disk()),
        driver.grow(disk(), 4, dryrun=False),
        driver.wipe(disk(), 0, 1, ignore),
        driver.rename(disk(), disk("2")),
    ):
        with pytest.raises(StorageError):
            await attempt
    assert read_bytes(f"{tmp_path}/{target}") == b"kept"


async def test_of_a_link_to_another_image_only_the_link_is_removed(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create(disk(), repeated=False)
    image = (await driver.assemble(disk())).path
    linked(image, f"{tmp_path}/srv/disks/web1/1")
    await driver.remove(disk())
    await driver.create(disk(), repeated=False)
    assert read_bytes(f"{tmp_path}/srv/disks/web1/1") == b"kept"


async def test_what_a_tpm_cuts_off_its_image_is_there_all_the_same(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create(of_tpm(), repeated=False)
    path = (await driver.assemble(of_tpm())).path
    overwrite(path, b"state")
    os.truncate(path, 2240)
    found = await driver.find(of_tpm())
    assert found is not None
    assert (found.size, os.stat(path).st_size) == (4 * MIB, 2240)
    assert (await driver.assemble(of_tpm())).size == os.stat(path).st_size == 4 * MIB
    assert (read_bytes(path) or b"").rstrip(b"\0") == b"state"
    os.truncate(path, 2240)
    await driver.grow(of_tpm(), 2, dryrun=False)
    assert os.stat(path).st_size == 6 * MIB


async def test_an_image_of_another_disk_that_is_too_short_is_seen(tmp_path: Path) -> None:
    driver = file_driver(tmp_path)
    await driver.create(disk(), repeated=False)
    path = (await driver.assemble(disk())).path
    os.truncate(path, 2240)
    assert (await driver.assemble(disk())).size == os.stat(path).st_size == 2240
