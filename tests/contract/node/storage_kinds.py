"""Kinds of storage for the contract: a driver, disks for it, and a unit to lie in."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.node.storage.base import DiskDriver, SpaceReader
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.node.storage.file import FileDriver
from pyganeti.node.storage.lvm.driver import LvmDriver
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.node.storage.whitelist import Whitelist
from pyganeti.wire.noderpc.types import DiskSpec

# Names a volume group whose volumes may all be removed.
VOLUME_GROUP: Final = "PYGANETI_TEST_VOLUME_GROUP"


@dataclass(frozen=True)
class Kind:
    """A kind of storage.

    Attributes:
        place: where a disk of a name lies.
        unit: what ``units`` can tell the space of.
        owned: disks carry their UUIDs.
    """

    driver: DiskDriver
    units: SpaceReader
    template: str
    place: Callable[[str], tuple[str, str]]
    unit: str
    owned: bool = True

    def disk(self, name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
        """A disk; ``size`` in MiB."""
        return DiskSpec(
            dev_type=self.template,
            logical_id=self.place(name),
            size=size,
            uuid=uuid,
            iv_name="disk/0",
        )


def _image(name: str) -> tuple[str, str]:
    return "loop", f"/srv/disks/web1/{name}"


@asynccontextmanager
async def fake_kind(_root: Path) -> AsyncIterator[Kind]:
    """The fake."""
    driver = FakeDriver()
    yield Kind(driver, driver, "file", _image, "/srv/disks")


def file_driver(root: Path) -> FileDriver:
    """Files below ``root``."""
    paths = Paths(str(root), root.name)
    Path(paths.conf_dir).mkdir(parents=True)
    Path(paths.file_storage_paths).write_text("/srv/disks\n")
    (root / "srv" / "disks" / "web1").mkdir(parents=True)
    return FileDriver(Whitelist(paths), "file")


@asynccontextmanager
async def file_kind(root: Path) -> AsyncIterator[Kind]:
    """Files."""
    driver = file_driver(root)
    yield Kind(driver, driver, "file", _image, "/srv/disks", owned=_has_attributes(root))


def _has_attributes(root: Path) -> bool:
    try:
        os.setxattr(root, "user.test", b"")
    except OSError:
        return False
    return True


@asynccontextmanager
async def plain_kind(_root: Path) -> AsyncIterator[Kind]:
    """Logical volumes; all are removed in the end."""
    group, lvm = os.environ[VOLUME_GROUP], Lvm(run)
    driver = LvmDriver(lvm)
    try:
        yield Kind(driver, driver, "plain", lambda name: (group, f"disk{name}"), group)
    finally:
        for volume in await lvm.volumes(group):
            await lvm.change("lvremove", "--force", volume.place)
