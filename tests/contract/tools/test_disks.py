"""What lvmstrap says of disks, on real loop devices: the kernel and wipefs answer."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run
from pyganeti.kit.together import together
from pyganeti.tools.lvmstrap.disks import Disk, Machine
from pyganeti.tools.lvmstrap.making import erase_command
from tests.needs import needs_loops

pytestmark = needs_loops

SIZE = 64 << 20


@pytest.fixture
async def loop(tmp_path: Path) -> AsyncIterator[str]:
    """The kernel's name of a device."""
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, SIZE)
    path = (await run(Command(("losetup", "--find", "--show", str(image))))).stdout.strip()
    yield path.removeprefix("/dev/")
    await run(Command(("losetup", "--detach", path)))


async def seen(name: str) -> Disk:
    return next(disk for disk in await Machine(run).disks(name) if disk.name == name)


async def test_an_empty_one(loop: str) -> None:
    disk = await seen(loop)
    assert (disk.size, disk.uses, disk.contents) == (SIZE, (), ())


async def test_one_with_a_file_system(loop: str) -> None:
    path = f"/dev/{loop}"
    await run(Command(("mke2fs", "-q", path)))
    assert (await seen(loop)).contents == ("ext2",)
    await run(erase_command(path))
    assert (await seen(loop)).contents == ()


async def test_a_mounted_one(loop: str, tmp_path: Path) -> None:
    path, place = f"/dev/{loop}", tmp_path / "mounted here"
    place.mkdir()
    await run(Command(("mke2fs", "-q", path)))
    await run(Command(("mount", path, str(place))))
    try:
        disk = await seen(loop)
    finally:
        await run(Command(("umount", str(place))))
    assert disk.mounts == (str(place),)
    assert disk.uses == (f"{loop} mounted on {place}", "not free: Device or resource busy")


async def test_one_that_is_mounted_where_nobody_sees_it(loop: str, tmp_path: Path) -> None:
    path, place = f"/dev/{loop}", tmp_path / "place"
    place.mkdir()
    await run(Command(("mke2fs", "-q", path)))
    ready, done = tmp_path / "ready", tmp_path / "done"
    script = f"mount {path} {place} && touch {ready}; until [ -e {done} ]; do sleep 0.05; done"

    async def look() -> Disk:
        try:
            await run(Command(("sh", "-c", f"until [ -e {ready} ]; do sleep 0.05; done")))
            return await seen(loop)
        finally:
            done.touch()

    # The mount ends with its namespace, and that with the script.
    _, disk = await together(run(Command(("unshare", "--mount", "sh", "-c", script))), look())
    assert disk.mounts == ()
    assert disk.uses == ("not free: Device or resource busy",)


async def test_a_read_only_one(loop: str) -> None:
    # The number goes to others afterwards, and would still be read-only.
    await run(Command(("blockdev", "--setro", f"/dev/{loop}")))
    try:
        disk = await seen(loop)
    finally:
        await run(Command(("blockdev", "--setrw", f"/dev/{loop}")))
    assert disk.uses == ("read-only",)
