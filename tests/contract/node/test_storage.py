"""Guarantees of ``DiskDriver``: on fakes, on files and, in the lab, on volumes and DRBD."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from pyganeti.model.errors import BlockDeviceError, StorageError
from pyganeti.node.storage.base import MIB, DiskDriver, Storage
from pyganeti.wire.noderpc.types import TaskProgress
from tests.contract.node.storage_kinds import (
    VOLUME_GROUP,
    Kind,
    Mirror,
    drbd_kind,
    ext_kind,
    fake_kind,
    file_kind,
    plain_kind,
    simulated_drbd_kind,
    simulated_ext_kind,
    simulated_plain_kind,
)
from tests.needs import needs_loops

LAB: Final = pytest.mark.skipif(
    VOLUME_GROUP not in os.environ, reason=f"no volume group to be used up: {VOLUME_GROUP}"
)


KINDS: Final = {
    "fake": fake_kind,
    "file": file_kind,
    "simulated-drbd": simulated_drbd_kind,
    "simulated-ext": simulated_ext_kind,
    "simulated-plain": simulated_plain_kind,
    "ext": ext_kind,
    "plain": plain_kind,
    "drbd": drbd_kind,
}
MARKS: Final = {"plain": [LAB], "drbd": [LAB], "ext": [needs_loops]}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, [])) for name in KINDS])
async def kind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kind]:
    """One kind of storage, empty."""
    async with KINDS[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def driver(kind: Kind) -> DiskDriver:
    """Its driver."""
    return kind.driver


def ignore(_made: TaskProgress) -> None:
    return None


async def test_a_new_disk_has_exactly_its_size(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    assert (await driver.assemble(kind.disk())).size == 4 * MIB


async def test_an_existing_place_is_refused_and_kept(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    with pytest.raises(StorageError, match=r"disk/0: .*exists already"):
        await driver.create(kind.disk(uuid="u-1"), repeated=False)
    assert await kind.exists(kind.disk())


async def test_a_repeat_of_a_creation_is_a_success(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.create(kind.disk(), repeated=True)
    assert (await driver.assemble(kind.disk())).size == 4 * MIB


async def test_a_repeat_does_not_take_another_disk(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(size=8), repeated=False)
    with pytest.raises(StorageError):
        await driver.create(kind.disk(size=4), repeated=True)


async def test_what_can_never_fit_leaves_nothing(driver: DiskDriver, kind: Kind) -> None:
    with pytest.raises(StorageError, match=r"disk/0: .*\d+ MiB do not fit"):
        await driver.create(kind.disk(size=1 << 40), repeated=False)
    assert not await kind.exists(kind.disk())


async def test_removing_may_be_repeated(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.remove(kind.disk())
    await driver.remove(kind.disk())
    assert not await kind.exists(kind.disk())


async def test_a_missing_disk_cannot_be_assembled(driver: DiskDriver, kind: Kind) -> None:
    with pytest.raises(BlockDeviceError, match="does not exist"):
        await driver.assemble(kind.disk())


async def test_growing_may_be_repeated(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.assemble(kind.disk())
    await kind.grow(kind.disk(), 4)
    await kind.grow(kind.disk(), 4)
    assert (await driver.assemble(kind.disk())).size == 8 * MIB


async def test_a_trial_changes_nothing(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.grow(kind.disk(), 4, dryrun=True)
    assert (await driver.assemble(kind.disk())).size == 4 * MIB


async def test_growing_beyond_all_space_changes_nothing(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    with pytest.raises(StorageError, match="do not fit"):
        await driver.grow(kind.disk(), 1 << 40, dryrun=False)
    assert (await driver.assemble(kind.disk())).size == 4 * MIB


async def test_disks_do_not_shrink(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    with pytest.raises(StorageError, match="shrink"):
        await driver.grow(kind.disk(), -1, dryrun=False)


async def test_wiping_beyond_the_end_is_refused(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.assemble(kind.disk())
    await driver.open(kind.disk(), exclusive=True)
    with pytest.raises(StorageError, match="beyond the end"):
        await driver.wipe(kind.disk(), 2, 3, ignore)


async def test_wiping_tells_its_progress(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    said: list[TaskProgress] = []
    await driver.assemble(kind.disk())
    await driver.open(kind.disk(), exclusive=True)
    await driver.wipe(kind.disk(), 1, 3, said.append)
    assert said[-1] == TaskProgress(3, 3)


async def test_renaming_may_be_repeated_and_never_replaces(driver: DiskDriver, kind: Kind) -> None:
    if not kind.renames:
        pytest.skip("its disks have no names")
    await driver.create(kind.disk(), repeated=False)
    await driver.rename(kind.disk(), kind.disk("1"))
    await driver.rename(kind.disk(), kind.disk("1"))
    assert not await kind.exists(kind.disk())
    await driver.create(kind.disk(), repeated=False)
    with pytest.raises(StorageError):
        await driver.rename(kind.disk(), kind.disk("1"))
    assert await kind.exists(kind.disk())


async def test_space_is_told(kind: Kind) -> None:
    if kind.units is None:
        pytest.skip("nothing knows the space of external storage")
    space = await kind.units.space(kind.unit)
    assert space.storage_free is not None
    assert space.storage_size is not None
    assert 0 < space.storage_free <= space.storage_size


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(BlockDeviceError, match="'plain' is not supported"):
        Storage({}).driver("plain")


async def test_another_disks_place_is_left_alone(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    if not kind.owned:
        pytest.skip("this file system has no extended attributes for users")
    with pytest.raises(StorageError, match="belongs to disk u-0"):
        await driver.remove(kind.disk(uuid="u-1"))
    assert await kind.exists(kind.disk())


async def test_a_renamed_disk_belongs_to_the_new_one(driver: DiskDriver, kind: Kind) -> None:
    if not kind.renames:
        pytest.skip("its disks have no names")
    await driver.create(kind.disk(), repeated=False)
    for _ in range(2):
        await driver.rename(kind.disk(), kind.disk("1", uuid="u-1"))
    if kind.owned:
        with pytest.raises(StorageError, match="belongs to disk u-1"):
            await driver.remove(kind.disk("1"))
    await driver.remove(kind.disk("1", uuid="u-1"))
    assert not await kind.exists(kind.disk("1", uuid="u-1"))


async def test_a_missing_disk_is_not_renamed(driver: DiskDriver, kind: Kind) -> None:
    with pytest.raises(StorageError):
        await driver.rename(kind.disk(), kind.disk("1"))


async def test_what_is_noted_may_be_noted_again(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False, info="web0")
    for name in ("web1", "web1", "web2 $(x)"):
        await driver.set_info(kind.disk(), name)
    assert await kind.exists(kind.disk())


async def test_opening_and_closing_may_be_repeated(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.assemble(kind.disk())
    ways = (True, True) if isinstance(kind, Mirror) else (True, False, False, True, True)
    for exclusive in ways:
        await driver.open(kind.disk(), exclusive=exclusive)
    for _ in range(2):
        await driver.close(kind.disk())
    assert await kind.exists(kind.disk())


async def test_a_mirror_without_its_peer_is_for_one_writer(driver: DiskDriver, kind: Kind) -> None:
    if not isinstance(kind, Mirror):
        pytest.skip("its disks have no peer")
    await driver.create(kind.disk(), repeated=False)
    await driver.assemble(kind.disk())
    with pytest.raises(BlockDeviceError, match="no connection to its peer"):
        await driver.open(kind.disk(), exclusive=False)


async def test_shutting_down_may_be_repeated(driver: DiskDriver, kind: Kind) -> None:
    await driver.create(kind.disk(), repeated=False)
    await driver.assemble(kind.disk())
    for _ in range(2):
        await driver.shutdown(kind.disk())
    assert (await driver.assemble(kind.disk())).size == 4 * MIB


async def test_a_snapshot_is_a_disk_of_its_own(driver: DiskDriver, kind: Kind) -> None:
    if not hasattr(driver, "snapshot"):
        pytest.skip("its disks have no snapshots")
    disk, new = kind.disk(), kind.disk("1", uuid="u-1")
    await driver.create(disk, repeated=False)
    for _ in range(2):
        await driver.snapshot(disk, new)
    found = await driver.assemble(new)
    assert found.path != (await driver.assemble(disk)).path
    await driver.remove(new)
    assert not await kind.exists(new)
    assert await kind.exists(disk)


async def test_a_snapshot_does_not_take_the_place_of_another(
    driver: DiskDriver, kind: Kind
) -> None:
    if not hasattr(driver, "snapshot"):
        pytest.skip("its disks have no snapshots")
    disk, other = kind.disk(), kind.disk("1", uuid="u-1")
    await driver.create(disk, repeated=False)
    await driver.create(other, repeated=False)
    with pytest.raises(StorageError, match="exists already"):
        await driver.snapshot(disk, kind.disk("1", uuid="u-2"))
