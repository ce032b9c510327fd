"""Kinds of storage for the contract: a driver, disks for it, and a unit to lie in."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, run
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.params.disk import DEFAULTS, device_params
from pyganeti.model.templates import DRBD_META_MIB
from pyganeti.node.storage.base import DiskDriver, SpaceReader
from pyganeti.node.storage.drbd import commands
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.driver import DrbdDriver
from pyganeti.node.storage.ext.attached import Attachments
from pyganeti.node.storage.ext.driver import ExtDriver
from pyganeti.node.storage.ext.scripts import ProviderScripts
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.node.storage.file import FileDriver
from pyganeti.node.storage.lvm.driver import LvmDriver
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.node.storage.whitelist import Whitelist
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.testing.lvm import SimLvm
from pyganeti.testing.providers import PROVIDER, Array, SimProvider, write_provider
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    DrbdEnd,
    DrbdSpec,
)

# Names a volume group whose volumes may all be removed.
VOLUME_GROUP: Final = "PYGANETI_TEST_VOLUME_GROUP"


@dataclass(frozen=True)
class Kind:
    """A kind of storage.

    Attributes:
        place: where a disk of a name lies.
        units: tell the space of ``unit``; ``None`` where nothing does.
        owned: disks carry their UUIDs.
        renames: disks have names that can be changed.
    """

    driver: DiskDriver
    units: SpaceReader | None
    template: str
    place: Callable[[str], tuple[str, str]]
    unit: str
    owned: bool = True
    renames: bool = True

    def disk(self, name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
        """A disk; ``size`` in MiB."""
        return DiskSpec(
            dev_type=self.template,
            logical_id=self.place(name),
            size=size,
            uuid=uuid,
            iv_name="disk/0",
        )

    async def exists(self, disk: DiskSpec) -> bool:
        """Whether ``disk`` is there."""
        return await self.driver.find(disk) is not None

    async def grow(self, disk: DiskSpec, amount: int) -> None:
        """Make ``disk`` larger, in all its parts."""
        await self.driver.grow(disk, amount, dryrun=False)


class SkippingClock(SystemClock):
    """Whoever sleeps wakes up at once, and it is that much later."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def monotonic(self) -> float:
        """See :class:`SystemClock`."""
        return super().monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        """See :class:`SystemClock`."""
        self._skipped += seconds


class FirstNode(DrbdDriver):
    """A node whose part of each disk is the one that counts."""

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See ``MirrorDriver``."""
        if self._is_creating:
            return await super().create(disk, repeated=repeated, info=info)
        self._is_creating = True
        try:
            return await self.create_first(disk, repeated=repeated, info=info)
        finally:
            self._is_creating = False

    _is_creating = False


@dataclass(frozen=True)
class Mirror(Kind):
    """A kind that keeps disks on two nodes, the other of which is not there."""

    def disk(self, name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
        """See :class:`Kind`."""
        disk = Kind.disk(self, name, size, uuid)
        local = DrbdEnd(node="n-0", ip="127.0.0.1", minor=int(name))
        remote = DrbdEnd(node="n-1", ip="127.0.0.2", minor=int(name))
        return msgspec.structs.replace(
            disk,
            dev_type="drbd",
            logical_id=(),
            children=(
                _part(disk, "data", size),
                _part(disk, "meta", DRBD_META_MIB),
            ),
            params=device_params(DiskTemplate.DRBD, DEFAULTS[DiskTemplate.DRBD]),
            drbd=DrbdSpec(local=local, remote=remote, port=11000 + int(name), secret="hush"),
        )

    async def grow(self, disk: DiskSpec, amount: int) -> None:
        """See :class:`Kind`."""
        await Kind.grow(self, disk, amount)
        assert isinstance(self.driver, DrbdDriver)
        await self.driver.open(disk, exclusive=True)
        await self.driver.resize(disk, amount)


def _part(disk: DiskSpec, name: str, size: int) -> DiskSpec:
    *group, volume = disk.logical_id
    place = (*group, f"{volume}_{name}")
    uuid = f"{disk.uuid}-{name}"
    return msgspec.structs.replace(disk, logical_id=place, size=size, uuid=uuid)


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


def loop_driver(root: Path) -> ExtDriver:
    """Volumes of the provider for tests, with records and logs below ``root``."""
    providers = (str(Path(__file__).parents[2] / "extstorage"),)
    scripts = ProviderScripts(providers, run, str(root / "log"), SystemClock())
    return ExtDriver(scripts, Attachments(str(root / "attached")))


@dataclass(frozen=True)
class External(Kind):
    """A kind whose volumes a provider makes, with parameters."""

    params: Mapping[str, str] = field(default_factory=dict)

    def disk(self, name: str = "0", size: int = 4, uuid: str = "u-0") -> DiskSpec:
        """See :class:`Kind`."""
        params = {"access": "kernelspace", **self.params}
        return msgspec.structs.replace(Kind.disk(self, name, size, uuid), params=params)

    async def exists(self, disk: DiskSpec) -> bool:
        """See :class:`Kind`."""
        assert isinstance(self.driver, ExtDriver)
        return await self.driver.measure(disk) is not None


@asynccontextmanager
async def ext_kind(root: Path) -> AsyncIterator[Kind]:
    """Volumes of a provider on loop devices, which are all let go in the end."""
    pool = root / "pool"
    pool.mkdir()
    driver = loop_driver(root)
    try:
        params = {"pool": str(pool)}
        yield External(driver, None, "ext", _volume, "", False, False, params)
    finally:
        for device in await loops_of(pool):
            await run(Command(("losetup", "--detach", device)))


async def loops_of(pool: Path) -> list[str]:
    """The loop devices of files in ``pool``."""
    found = await run(Command(("losetup", "--json", "--output", "NAME,BACK-FILE")))
    devices = json.loads(found.stdout or '{"loopdevices": []}')["loopdevices"]
    own = [one["name"] for one in devices if (one["back-file"] or "").startswith(f"{pool}/")]
    return sorted(own)


@asynccontextmanager
async def simulated_ext_kind(root: Path) -> AsyncIterator[Kind]:
    """The real driver on a simulated provider."""
    write_provider(str(root / "providers"), "")
    provider = SimProvider(Array(), "node1")
    scripts = ProviderScripts(
        (str(root / "providers"),), provider, str(root / "log"), SystemClock()
    )
    attachments = Attachments(str(root / "attached"))
    driver = ExtDriver(scripts, attachments, provider.size_of, FakeDriver().write)
    yield External(driver, None, "ext", _array_volume, "", False, False)


def _volume(name: str) -> tuple[str, str]:
    return "loop", f"volume{name}"


def _array_volume(name: str) -> tuple[str, str]:
    return PROVIDER, f"volume{name}"


@asynccontextmanager
async def simulated_drbd_kind(_root: Path) -> AsyncIterator[Kind]:
    """The real driver on a simulated kernel."""
    clock, volumes = SkippingClock(), FakeDriver()
    kernel = SimDrbd(DrbdNetwork(clock), volumes.held)
    driver = FirstNode(Drbd(kernel, kernel), volumes, clock, volumes.write)
    yield Mirror(driver, volumes, "plain", _image, "xenvg", renames=False)


@asynccontextmanager
async def drbd_kind(root: Path) -> AsyncIterator[Kind]:
    """DRBD on logical volumes; all devices and volumes are removed in the end."""
    async with plain_kind(root) as plain:
        assert isinstance(plain.driver, LvmDriver)
        drbd = Drbd(run)
        driver = FirstNode(drbd, plain.driver, SystemClock())
        try:
            yield Mirror(driver, plain.units, "plain", plain.place, plain.unit, renames=False)
        finally:
            for minor in await drbd.states():
                await run(commands.down(minor))


@asynccontextmanager
async def simulated_plain_kind(_root: Path) -> AsyncIterator[Kind]:
    """The real driver on simulated volumes."""
    lvm = Lvm(SimLvm({"/dev/sda": 64, "/dev/sdb": 64}))
    driver = LvmDriver(lvm, FakeDriver().write)
    yield Kind(driver, driver, "plain", lambda name: ("xenvg", f"disk{name}"), "xenvg")


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
