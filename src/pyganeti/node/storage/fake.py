"""Disks in memory, for simulated nodes: deterministic, with a capacity, same contract."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from pyganeti.model.errors import StorageError
from pyganeti.wire.noderpc.disks import (
    BlockDevice,
    StorageInfo,
    Volume,
)
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress

from .base import MIB, Progress
from .device import DeviceDriver

DEFAULT_CAPACITY: Final = 1024 * 1024


class FakeDriver:
    """See ``DiskDriver``. ``disks`` maps a place to size in MiB and UUID; tests may look.

    What is ``held`` is in use by something on top of it and cannot be removed. ``contents`` has
    what is on disks: by place, the pieces that are not all zeroes by their offsets. New disks begin
    with ``leavings``: what whoever had the space before left there.

    Wipes wait in the middle for the event ``halfway``, if there is one.

    Args:
        capacity: MiB that all disks may have together.
        storage_type: what :meth:`space` reports.
        roots: directories that are there; those between them and an instance's are made with that.
    """

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        storage_type: str = "file",
        roots: Sequence[str] = (),
    ) -> None:
        self.capacity = capacity
        self.disks: dict[str, tuple[int, str]] = {}
        self.directories: set[str] = set()
        self.info: dict[str, str] = {}
        self.held: set[str] = set()
        self.contents: dict[str, dict[int, bytes]] = {}
        self.leavings = b""
        self.halfway: asyncio.Event | None = None
        self._type = storage_type
        self._roots = roots

    def _used(self) -> int:
        return sum(size for size, _uuid in self.disks.values())

    def _check_fits(self, disk: DiskSpec, size: int) -> None:
        free = self.capacity - self._used()
        if size > free:
            raise StorageError(f"{disk.iv_name}: {size} MiB do not fit, {free} MiB are free")

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See :meth:`~.base.DiskDriver.create`."""
        place = _place(disk)
        if place in self.disks:
            if repeated and self.disks[place] == (disk.size, disk.uuid):
                return ""
            raise StorageError(f"{disk.iv_name}: {place} exists already")
        self._check_fits(disk, disk.size)
        self.disks[place] = (disk.size, disk.uuid)
        if info:
            await self.set_info(disk, info)
        if self.leavings:
            self.contents[place] = {0: self.leavings}
        return ""

    async def remove(self, disk: DiskSpec) -> None:
        """See :meth:`~.base.DiskDriver.remove`."""
        await self.check_own((disk,))
        if _place(disk) in self.held:
            raise StorageError(f"{disk.iv_name}: {_place(disk)} is in use")
        self.disks.pop(_place(disk), None)
        self.contents.pop(_place(disk), None)

    async def assemble_own(self, disks: Sequence[DiskSpec]) -> list[BlockDevice]:
        """See :meth:`~.base.VolumeDriver.assemble_own`."""
        await self.check_own(disks)
        return [await self.assemble(disk) for disk in disks]

    async def check_own(self, disks: Sequence[DiskSpec]) -> None:
        """See :meth:`~.base.VolumeDriver.check_own`."""
        for disk in disks:
            place = _place(disk)
            found = self.disks.get(place)
            if found is not None and found[1] not in ("", disk.uuid):
                text = f"{disk.iv_name}: {place} belongs to disk {found[1]}, not to {disk.uuid}"
                raise StorageError(text)

    def path(self, disk: DiskSpec) -> str:
        """See :meth:`~.base.VolumeDriver.path`."""
        return _place(disk)

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~.base.DiskDriver.assemble`."""
        device = await self.find(disk)
        if device is None:
            raise StorageError(f"{disk.iv_name}: {_place(disk)} does not exist")
        return device

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """Nothing to do."""

    async def close(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See :meth:`~.base.DiskDriver.find`."""
        place = _place(disk)
        found = self.disks.get(place)
        return None if found is None else BlockDevice(path=place, size=found[0] * MIB)

    async def shutdown(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """See :meth:`~.base.DiskDriver.grow`."""
        have = (await self.assemble(disk)).size // MIB
        wanted = disk.size + amount
        if amount < 0:
            raise StorageError(f"{disk.iv_name}: a disk cannot shrink by {-amount} MiB")
        self._check_fits(disk, wanted - have)
        if not dryrun and have < wanted:
            self.disks[_place(disk)] = (wanted, disk.uuid)

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """See :meth:`~.base.DiskDriver.wipe`."""
        await self.write(await self.assemble(disk), disk, offset, size, progress)

    async def write(
        self, device: BlockDevice, disk: DiskSpec, offset: int, size: int, progress: Progress
    ) -> None:
        """As :func:`~.zeroes.write_zeroes`, to nothing."""
        if (offset + size) * MIB > device.size:
            text = f"{disk.iv_name}: {offset + size} MiB is beyond the end of {device.path}"
            raise StorageError(text)
        for done in (size // 2, size):
            progress(TaskProgress(done, size))
            if done < size and self.halfway is not None:
                await self.halfway.wait()
        found = self.contents.get(device.path, {})
        for place in [one for one in found if offset * MIB <= one < (offset + size) * MIB]:
            del found[place]

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~.base.DiskDriver.rename`."""
        source, target = _place(disk), _place(new)
        there = source if source in self.disks else target
        if there not in self.disks or (there == source != target and target in self.disks):
            raise StorageError(f"{disk.iv_name}: {source} to {target}: not possible")
        size, owner = self.disks.pop(there)
        if owner not in ("", disk.uuid, new.uuid):
            self.disks[there] = (size, owner)
            raise StorageError(f"{disk.iv_name}: {there} belongs to disk {owner}")
        self.disks[target] = (size, new.uuid)
        if there in self.contents:
            self.contents[target] = self.contents.pop(there)

    async def snapshot(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~.base.SnapshotDriver.snapshot`."""
        size = (await self.assemble(disk)).size // MIB
        place = _place(new)
        if self.disks.get(place) == (size, new.uuid):
            return
        if place in self.disks:
            raise StorageError(f"{new.iv_name}: {place} exists already")
        self._check_fits(new, size)
        self.disks[place] = (size, new.uuid)
        if _place(disk) in self.contents:
            self.contents[place] = dict(self.contents[_place(disk)])

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """See :meth:`~.base.DiskDriver.set_info`."""
        self.info[_place(disk)] = text

    async def set_infos(self, disks: Sequence[DiskSpec], text: str) -> None:
        """See :meth:`~.base.VolumeDriver.set_infos`."""
        for disk in disks:
            await self.set_info(disk, text)

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~.base.SpaceReader.space`."""
        free = self.capacity - self._used()
        return StorageInfo(
            type=self._type, name=name, storage_free=free, storage_size=self.capacity
        )

    async def create_directory(self, path: str) -> None:
        """As :meth:`~.file.FileDriver.create_directory`."""
        self.directories |= {
            path,
            *(above for root in self._roots for above in _between(path, root)),
        }

    async def remove_directory(self, path: str, below: str | None = None) -> None:
        """As :meth:`~.file.FileDriver.remove_directory`."""
        if any(place.startswith(f"{path}/") for place in self.disks):
            raise StorageError(f"{path}: Directory not empty")
        self.directories.discard(path)
        for above in _between(path, below):
            if any(place.startswith(f"{above}/") for place in (*self.disks, *self.directories)):
                return
            self.directories.discard(above)


def _between(path: str, root: str | None) -> Iterator[str]:
    """Directories above ``path`` and below ``root``, the lowest one first."""
    above = path.rpartition("/")[0]
    while root is not None and above.startswith(f"{root}/"):
        yield above
        above = above.rpartition("/")[0]


def _place(disk: DiskSpec) -> str:
    return str(disk.logical_id[-1])


class FakeVolumes:
    """See :class:`~.volumes.Volumes`: one group, whose volumes are the disks of ``driver``.

    Attributes:
        in_use: names of volumes that somebody has open.
    """

    def __init__(
        self, group: str, driver: FakeDriver, devices: "FakeDevices | None" = None
    ) -> None:
        self.in_use: set[str] = set()
        self._group = group
        self._driver = driver
        self._devices = devices or FakeDevices()

    async def spindles(self, group: str, name: str) -> int:
        """See :meth:`~.volumes.Volumes.spindles`: it is a single one."""
        self._check(group)
        return 1

    async def group_sizes(self) -> dict[str, int]:
        """See :meth:`~.volumes.Volumes.group_sizes`."""
        return {self._group: self._driver.capacity}

    def _check(self, group: str) -> None:
        if group != self._group:
            raise StorageError(f'Volume group "{group}" not found')

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~.base.SpaceReader.space`."""
        self._check(name)
        return await self._driver.space(name)

    async def device_size(self, path: str) -> int:
        """See :meth:`~.volumes.Volumes.device_size`."""
        return self._devices.size(path)

    async def exclusive_faults(self, group: str) -> list[str]:
        """See :meth:`~.volumes.Volumes.exclusive_faults`: it has no physical volumes."""
        self._check(group)
        return []

    async def volume_sizes(self, group: str) -> tuple[int, int] | None:
        """See :meth:`~.volumes.Volumes.volume_sizes`: it has none."""
        self._check(group)
        return None

    async def volumes(self, group: str) -> list[Volume]:
        """See :meth:`~.volumes.Volumes.volumes`."""
        self._check(group)
        return [
            Volume(
                group=group,
                name=name,
                size=size,
                active=True,
                in_use=name in self.in_use,
                faulty=False,
            )
            for name, (size, _uuid) in self._driver.disks.items()
        ]


class FakeDevices(DeviceDriver):
    """Block devices in memory: ``sizes`` in MiB, by path."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    def size(self, path: str) -> int:
        """Size of one of them in MiB.

        Raises:
            StorageError: there is no such device.
        """
        if path not in self.sizes:
            raise StorageError(f"{path}: No such file or directory")
        return self.sizes[path]

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~.base.DiskDriver.assemble`."""
        path = _place(disk)
        return BlockDevice(path=path, size=self.size(path) * MIB)
