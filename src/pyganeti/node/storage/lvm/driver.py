"""Disks as logical volumes: the template ``plain``, and what lies below DRBD.

``logical_id`` is ``(volume group, volume)``. Sizes are rounded up to whole extents; a new volume
has what was on the disk before. Each volume carries its disk's UUID in a tag that is set by the
command that makes it, so that neither a repeat nor an undo can hit somebody else's volume.

With exclusive storage (``spindles`` is not ``None``) a volume has physical volumes for itself: new
ones are spread over all that they take, and grow on those that they have.

Source: lvcreate(8); the tag ``originstname+NAME`` is Ganeti's.
"""

import re
from collections.abc import Sequence
from typing import Final

from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB, Progress
from pyganeti.node.storage.zeroes import Writer, write_zeroes
from pyganeti.wire.noderpc.disks import (
    BlockDevice,
    StorageInfo,
)
from pyganeti.wire.noderpc.specs import DiskSpec

from .exclusive import chosen
from .tools import LogicalVolume, Lvm, VolumeGroup, volume_path

_OWNER: Final = "ganeti.disk="
_INFO: Final = "originstname+"
_INFO_LENGTH: Final = 128
_NOT_IN_TAGS: Final = re.compile(r"[^a-zA-Z0-9+_./=!:&#-]")


class LvmDriver:
    """Logical volumes as disks. See ``DiskDriver``.

    Args:
        lvm: LVM's programs.
        write: overwrites a part of a device.
    """

    def __init__(self, lvm: Lvm, write: Writer = write_zeroes) -> None:
        self._lvm = lvm
        self._write = write

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.create`."""
        group, name = _place(disk)
        # LVM takes most of the time to look, and looks itself when it makes a volume.
        looked = repeated or disk.spindles is not None
        if looked and await self._is_made(disk, repeated=repeated):
            return ""
        if disk.spindles is None:
            stripes, own = await self._stripes(disk), list[str]()
        else:
            own = await self._spindles(disk)
            # Each of them is to be used.
            stripes = len(own)
        words = ["-L", f"{disk.size}m", "-n", name, "--addtag", _OWNER + disk.uuid]
        words += ["--addtag", _info_tag(info)] if info else []
        words += ["--stripes", str(stripes)]
        # What was there before neither stops it nor shows through.
        words += ["--yes", "--zero", "y", "--wipesignatures", "y", group, *own]
        try:
            await self._change(disk, "lvcreate", *words)
        except StorageError:
            await self._is_made(disk, repeated=False)  # which may have better words for it
            raise
        return ""

    async def _is_made(self, disk: DiskSpec, *, repeated: bool) -> bool:
        """Whether a former attempt has made it.

        Raises:
            StorageError: its name is taken, or it does not fit.
        """
        group, found = await self._group(disk), await self._look(disk)
        if found is None:
            if disk.spindles is None:
                _check_fits(disk, group, disk.size * MIB)
            return False
        most = disk.spindles or _wanted_stripes(disk)
        sizes = {group.rounded(disk.size * MIB, count) for count in range(1, most + 1)}
        if repeated and _owner(found) == disk.uuid and found.size in sizes:
            return True
        raise StorageError(f"{disk.iv_name}: {found.place} exists already")

    async def remove(self, disk: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.remove`."""
        found = await self._own(disk)
        if found is not None:
            await self._change(disk, "lvremove", "--force", found.place)

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.assemble`."""
        return await self._activate(disk, await self._existing(disk))

    async def assemble_own(self, disks: Sequence[DiskSpec]) -> list[BlockDevice]:
        """See :class:`~pyganeti.node.storage.base.VolumeDriver`."""
        own = zip(disks, await self._all_own(disks), strict=True)
        return [await self._activate(disk, _there(disk, found)) for disk, found in own]

    async def _activate(self, disk: DiskSpec, found: LogicalVolume) -> BlockDevice:
        if not found.active:
            await self._change(disk, "lvchange", "-ay", found.place)
        return BlockDevice(path=found.path, size=found.size)

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """Nothing to do."""

    async def close(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.find`."""
        found = await self._look(disk)
        if found is None or not found.active:
            return None
        return BlockDevice(path=found.path, size=found.size)

    async def shutdown(self, disk: DiskSpec) -> None:
        """Nothing to do: as with Ganeti, volumes stay active."""

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.grow`."""
        if amount < 0:
            raise StorageError(f"{disk.iv_name}: a disk cannot shrink by {-amount} MiB")
        found = await self._existing(disk)
        wanted = disk.size + amount
        if found.size >= wanted * MIB:
            return
        more, own = wanted * MIB - found.size, list[str]()
        if disk.spindles is None:
            _check_fits(disk, await self._group(disk), more)
        else:
            own = await self._own_spindles(disk, found, more)
        words = ["--test"] if dryrun else []
        await self._change(disk, "lvextend", *words, "-L", f"{wanted}m", found.place, *own)

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.wipe`."""
        await self._own(disk)
        await self._write(await self.assemble(disk), disk, offset, size, progress)

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.rename`; within a volume group only.

        The volume then is that of disk ``new``, or nobody's where that has no UUID: this is how
        one that is adopted becomes ours, and how that is undone.
        """
        (group, name), (new_group, new_name) = _place(disk), _place(new)
        if group != new_group:
            text = f"{group}/{name} cannot be moved to volume group {new_group}"
            raise StorageError(f"{disk.iv_name}: {text}")
        if name != new_name and await self._own(disk) is not None:
            await self._change(disk, "lvrename", group, name, new_name)
        renamed = await self._existing(new)
        owner = _owner(renamed)
        if owner not in ("", disk.uuid, new.uuid):
            text = f"{renamed.place} belongs to disk {owner}, not to {new.uuid}"
            raise StorageError(f"{disk.iv_name}: {text}")
        if owner != new.uuid:
            old = ["--deltag", _OWNER + owner] if owner else []
            own = ["--addtag", _OWNER + new.uuid] if new.uuid else []
            await self._change(disk, "lvchange", *old, *own, renamed.place)

    async def check_own(self, disks: Sequence[DiskSpec]) -> None:
        """See :class:`~pyganeti.node.storage.base.VolumeDriver`."""
        await self._all_own(disks)

    def path(self, disk: DiskSpec) -> str:
        """See :class:`~pyganeti.node.storage.base.VolumeDriver`."""
        return volume_path(*_place(disk))

    async def snapshot(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.SnapshotDriver.snapshot`.

        It can hold all of ``disk`` changed, so that it never becomes invalid.
        """
        source = await self._existing(disk)
        found = await self._look(new)
        if found is not None:
            if _owner(found) == new.uuid:
                return
            raise StorageError(f"{new.iv_name}: {found.place} exists already")
        _check_fits(new, await self._group(new), source.size)
        words = ["--snapshot", "--extents", "100%ORIGIN", "-n", _place(new)[1]]
        words += ["--addtag", _OWNER + new.uuid, source.place]
        if disk.spindles is not None:
            words += await self._unshared(source)
        await self._change(new, "lvcreate", *words)

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.set_info`."""
        await self.set_infos((disk,), text)

    async def set_infos(self, disks: Sequence[DiskSpec], text: str) -> None:
        """See :class:`~pyganeti.node.storage.base.VolumeDriver`."""
        tag = _info_tag(text)
        # Volumes that want the same change get it from one command.
        changes: dict[tuple[str, ...], list[str]] = {}
        for disk, looked in zip(disks, await self._look_all(disks), strict=True):
            found = _there(disk, looked)
            former = [one for one in found.tagged(_INFO) if one != tag]
            if former or tag not in found.tags:
                words = tuple(word for one in former for word in ("--deltag", one))
                changes.setdefault((*words, "--addtag", tag), []).append(found.place)
        for words, places in changes.items():
            await self._change(disks[0], "lvchange", *words, *places)

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~pyganeti.node.storage.base.SpaceReader.space`; of a volume group."""
        group = await self._lvm.group(name)
        return StorageInfo(
            type="lvm-vg",
            name=name,
            storage_free=group.free // MIB,
            storage_size=group.size // MIB,
        )

    async def _change(self, disk: DiskSpec, *argv: str) -> None:
        try:
            await self._lvm.change(*argv)
        except StorageError as err:
            raise StorageError(f"{disk.iv_name}: {err}") from err

    async def _group(self, disk: DiskSpec) -> VolumeGroup:
        try:
            return await self._lvm.group(_place(disk)[0])
        except StorageError as err:
            raise StorageError(f"{disk.iv_name}: {err}") from err

    async def _look(self, disk: DiskSpec) -> LogicalVolume | None:
        (found,) = await self._look_all((disk,))
        return found

    async def _look_all(self, disks: Sequence[DiskSpec]) -> list[LogicalVolume | None]:
        """The volume of each, asking once for those of a group: LVM reads all of it each time."""
        names: dict[str, list[str]] = {}
        for disk in disks:
            group, name = _place(disk)
            names.setdefault(group, []).append(name)
        try:
            found = {group: await self._lvm.find(group, *some) for group, some in names.items()}
        except StorageError as err:
            raise StorageError(f"{disks[0].iv_name}: {err}") from err
        return [found[group].get(name) for group, name in map(_place, disks)]

    async def _existing(self, disk: DiskSpec) -> LogicalVolume:
        return _there(disk, await self._look(disk))

    async def _own(self, disk: DiskSpec) -> LogicalVolume | None:
        """The volume, if it is there and not another disk's."""
        (found,) = await self._all_own((disk,))
        return found

    async def _all_own(self, disks: Sequence[DiskSpec]) -> list[LogicalVolume | None]:
        found = await self._look_all(disks)
        for disk, one in zip(disks, found, strict=True):
            if one is not None and _owner(one) not in ("", disk.uuid):
                text = f"{one.place} belongs to disk {_owner(one)}, not to {disk.uuid}"
                raise StorageError(f"{disk.iv_name}: {text}")
        return found

    async def _spindles(self, disk: DiskSpec) -> list[str]:
        """Names of the physical volumes that a new disk gets for itself."""
        group, _name = _place(disk)
        volumes = await self._lvm.physical_volumes(group)
        try:
            found = chosen(group, volumes, disk.size * MIB, disk.spindles or 0)
        except StorageError as err:
            raise StorageError(f"{disk.iv_name}: {err}") from err
        return [one.name for one in found]

    async def _unshared(self, source: LogicalVolume) -> list[str]:
        """Names of the physical volumes that are ``source``'s or nobody's."""
        users = await self._lvm.users(source.group)
        volumes = await self._lvm.physical_volumes(source.group)
        return [one.name for one in volumes if users.get(one.name, []) in ([], [source.name])]

    async def _own_spindles(self, disk: DiskSpec, found: LogicalVolume, more: int) -> list[str]:
        """Names of the physical volumes that a disk has, on which there is room for ``more``."""
        users = await self._lvm.users(found.group)
        own = [
            one
            for one in await self._lvm.physical_volumes(found.group)
            if found.name in users.get(one.name, ())
        ]
        free = sum(one.free for one in own)
        if more > free:
            have = f"which have {free // MIB} MiB free"
            text = f"{more // MIB} MiB do not fit on the spindles of {found.place}, {have}"
            raise StorageError(f"{disk.iv_name}: {text}")
        return [one.name for one in own]

    async def _stripes(self, disk: DiskSpec) -> int:
        """As many as asked for, but never more than physical volumes that have space."""
        wanted = _wanted_stripes(disk)
        if wanted == 1:
            return 1
        volumes = await self._lvm.physical_volumes(_place(disk)[0])
        return max(1, min(wanted, sum(one.allocatable and one.free > 0 for one in volumes)))


def _place(disk: DiskSpec) -> tuple[str, str]:
    try:
        group, name = disk.logical_id
    except ValueError as err:
        raise StorageError(f"{disk.iv_name}: {disk.logical_id!r} is no volume's place") from err
    return str(group), str(name)


def _there(disk: DiskSpec, found: LogicalVolume | None) -> LogicalVolume:
    if found is None:
        raise StorageError(f"{disk.iv_name}: {'/'.join(_place(disk))} does not exist")
    return found


def _info_tag(text: str) -> str:
    return _INFO + _NOT_IN_TAGS.sub("_", text)[:_INFO_LENGTH]


def _wanted_stripes(disk: DiskSpec) -> int:
    return int(disk.params.get("stripes", 1))


def _owner(volume: LogicalVolume) -> str:
    """UUID of the disk; empty for a volume that was not made by us."""
    return next((tag.removeprefix(_OWNER) for tag in volume.tagged(_OWNER)), "")


def _check_fits(disk: DiskSpec, group: VolumeGroup, wanted: int) -> None:
    if group.rounded(wanted) > group.free:
        free = f"which has {group.free // MIB} MiB free"
        text = f"{wanted // MIB} MiB do not fit on {group.name}, {free}"
        raise StorageError(f"{disk.iv_name}: {text}")
