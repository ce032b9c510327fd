"""Disks as volumes of external storage: the template ``ext``.

``logical_id`` is ``(provider, volume)``. Whether a volume exists and how large it is, only
attaching it tells: so this is what is done wherever a script cannot be believed. Volumes carry no
mark of their owner; their names are made by us and used once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from pyganeti.kit.threads import in_thread
from pyganeti.model.enums import DiskAccess
from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB, Progress
from pyganeti.node.storage.device import device_size
from pyganeti.node.storage.zeroes import Writer, write_zeroes
from pyganeti.wire.noderpc.disks import BlockDevice
from pyganeti.wire.noderpc.specs import DiskSpec

from .attached import Attachment, Attachments, parse_attached
from .scripts import ProviderScripts, ScriptFailed, place

_LOG: Final = logging.getLogger(__name__)
_INFO: Final = "originstname+"


class ExtDriver:
    """Volumes of providers as disks. See ``DiskDriver``.

    Args:
        scripts: the providers.
        attachments: what they attached.
        size_of: size in bytes of a block device, by path; of one that is new to us it says too
            whether something else uses it.
        write: overwrites a part of one.
    """

    def __init__(
        self,
        scripts: ProviderScripts,
        attachments: Attachments,
        size_of: Callable[..., int] = device_size,
        write: Writer = write_zeroes,
    ) -> None:
        self._scripts = scripts
        self._attachments = attachments
        self._size_of = size_of
        self._write = write
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        # So that undoing what cleaned up after itself needs no script that may be the broken one.
        self._removed: set[tuple[str, str]] = set()
        # UUIDs by volume. A daemon that was restarted refuses to repeat a snapshot instead.
        self._snapshots: dict[tuple[str, str], str] = {}

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.create`."""
        await self._create(disk, repeated=repeated)
        if info:
            await self.set_info(disk, info)
        return ""

    async def _create(self, disk: DiskSpec, *, repeated: bool) -> None:
        async with self._turn(disk):
            self._removed.discard(place(disk))
            try:
                await self._scripts.run(disk, "create", VOL_SIZE=str(disk.size))
            except ScriptFailed as err:
                if repeated and await self._has_size(disk):
                    return
                if err.killed:
                    await self._discard(disk)
                raise
            try:
                await self._check_size(disk, disk.size, "create")
            except StorageError:
                await self._discard(disk)
                raise

    async def remove(self, disk: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.remove`."""
        async with self._turn(disk):
            if place(disk) in self._removed:
                return
            if self._attachments.get(place(disk)) is not None:
                await self._close(disk)
                await self._detach(disk)
            try:
                await self._remove(disk)
            except ScriptFailed as err:
                if err.killed or await self._exists(disk):
                    raise
                # As Ganeti does: what cannot be attached is not there.
                _LOG.warning("taken for removed before, as it cannot be attached: %s", err)

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.assemble`."""
        async with self._turn(disk):
            return await self._device(disk, await self._attach(disk))

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.open`."""
        async with self._turn(disk):
            found = self._attachments.get(place(disk))
            if found is None:
                raise StorageError(f"{disk.iv_name}: {_name(disk)} is not attached")
            if found.opened is exclusive:
                return
            if await self._scripts.has(disk, "open"):
                await self._scripts.run(disk, "open", VOL_OPEN_EXCLUSIVE=str(exclusive))
            self._attachments.put(place(disk), msgspec.structs.replace(found, opened=exclusive))

    async def close(self, disk: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.close`."""
        async with self._turn(disk):
            await self._close(disk)

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.find`."""
        found = self._attachments.get(place(disk))
        try:
            return None if found is None else await self._device(disk, found)
        except StorageError:
            return None

    async def measure(self, disk: DiskSpec) -> int | None:
        """See :meth:`~pyganeti.node.storage.base.ProbingDriver.measure`."""
        async with self._turn(disk):
            try:
                return (await self._look(disk)).size
            except ScriptFailed as err:
                if err.killed:
                    raise
                return None

    async def shutdown(self, disk: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.shutdown`."""
        async with self._turn(disk):
            await self._close(disk)
            await self._detach(disk)

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.grow`."""
        if amount < 0:
            raise StorageError(f"{disk.iv_name}: a disk cannot shrink by {-amount} MiB")
        wanted = disk.size + amount
        async with self._turn(disk):
            device = await self._look(disk)
            if dryrun or (device.path and device.size >= wanted * MIB):
                return
            sizes = {"VOL_SIZE": str(disk.size), "VOL_NEW_SIZE": str(wanted)}
            await self._scripts.run(disk, "grow", **sizes)
            await self._check_size(disk, wanted, "grow")

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.wipe`."""
        device = await self.assemble(disk)
        if not device.path:
            text = f"{_name(disk)} has no block device on this node that could be overwritten"
            raise StorageError(f"{disk.iv_name}: {text}")
        await self._write(device, disk, offset, size, progress)

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """Refuse: providers have no script for it."""
        raise StorageError(f"{disk.iv_name}: {_name(disk)} cannot be renamed")

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """See :meth:`~pyganeti.node.storage.base.DiskDriver.set_info`."""
        async with self._turn(disk):
            await self._scripts.run(disk, "setinfo", VOL_METADATA=_INFO + text)

    async def snapshot(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~pyganeti.node.storage.base.SnapshotDriver.snapshot`."""
        async with self._turn(disk):
            if not await self._scripts.has(disk, "snapshot"):
                provider, _volume = place(disk)
                text = f"provider {provider!r} has no snapshots"
                raise StorageError(f"{disk.iv_name}: {text}")
            if self._snapshots.get(place(new)) == new.uuid:
                return
            _provider, name = place(new)
            sizes = {"VOL_SNAPSHOT_NAME": name, "VOL_SNAPSHOT_SIZE": str(disk.size)}
            self._removed.discard(place(new))
            await self._scripts.run(disk, "snapshot", **sizes)
            self._snapshots[place(new)] = new.uuid

    @asynccontextmanager
    async def _turn(self, disk: DiskSpec) -> AsyncIterator[None]:
        """One at a time may work on a volume: looking at one attaches it and detaches it again."""
        turn = self._turns.setdefault(place(disk), asyncio.Lock())
        async with turn:
            yield

    async def _attach(self, disk: DiskSpec) -> Attachment:
        """Run the script, which says the same again of what is attached, and note what it says."""
        before = self._attachments.get(place(disk))
        said = await self._scripts.run(disk, "attach")
        try:
            found = parse_attached(said)
            await self._check_device(disk, found, before)
        except StorageError as err:
            with suppress(StorageError):
                await self._scripts.run(disk, "detach")
            provider, _volume = place(disk)
            text = f"script 'attach' of provider {provider!r}: {err}"
            raise StorageError(f"{disk.iv_name}: {text}") from err
        if before is not None:
            found = msgspec.structs.replace(found, opened=before.opened)
        self._attachments.put(place(disk), found)
        return found

    async def _check_device(
        self, disk: DiskSpec, found: Attachment, before: Attachment | None
    ) -> None:
        """Refuse a device that is none, or not this volume's."""
        if not found.path:
            if disk.params.get("access") != DiskAccess.USERSPACE:
                text = "it printed no block device, and the disk has not access=userspace"
                raise StorageError(text)
            return
        holder = await in_thread(self._attachments.holder, found.path)
        if holder not in (None, place(disk)):
            raise StorageError(f"it printed {found.path}, which is volume {'/'.join(holder)}'s")
        is_known = before is not None and before.path == found.path
        await in_thread(self._size_of, found.path, exclusive=not is_known)

    async def _detach(self, disk: DiskSpec) -> None:
        await self._scripts.run(disk, "detach")
        self._attachments.forget(place(disk))

    async def _close(self, disk: DiskSpec) -> None:
        found = self._attachments.get(place(disk))
        if found is None or found.opened is None:
            return
        if await self._scripts.has(disk, "close"):
            await self._scripts.run(disk, "close")
        self._attachments.put(place(disk), msgspec.structs.replace(found, opened=None))

    async def _device(self, disk: DiskSpec, found: Attachment) -> BlockDevice:
        size = disk.size * MIB
        if found.path:
            size = await in_thread(self._size_of, found.path)
        return BlockDevice(path=found.path, size=size, uris=found.uris)

    async def _look(self, disk: DiskSpec) -> BlockDevice:
        """The volume as it is now; afterwards it is attached if it was before."""
        was_attached = self._attachments.get(place(disk)) is not None
        device = await self._device(disk, await self._attach(disk))
        if not was_attached:
            await self._detach(disk)
        return device

    async def _check_size(self, disk: DiskSpec, wanted: int, script: str) -> None:
        """Believe a script that it made ``wanted`` MiB only when they are there."""
        device = await self._look(disk)
        if device.path and device.size < wanted * MIB:
            text = f"{_name(disk)} has {device.size // MIB} MiB after it, not {wanted} MiB"
            raise StorageError(f"{disk.iv_name}: script {script!r} did not do its work: {text}")

    async def _has_size(self, disk: DiskSpec) -> bool:
        try:
            return (await self._look(disk)).size == disk.size * MIB
        except StorageError:
            return False

    async def _exists(self, disk: DiskSpec) -> bool:
        """Whether it can be attached; in doubt it can."""
        try:
            await self._look(disk)
        except ScriptFailed as err:
            return err.killed
        except StorageError:
            pass
        return True

    async def _discard(self, disk: DiskSpec) -> None:
        """Remove what a creation left that failed; its reason is what matters."""
        with suppress(StorageError):
            await self._remove(disk)

    async def _remove(self, disk: DiskSpec) -> None:
        await self._scripts.run(disk, "remove")
        self._removed.add(place(disk))
        self._snapshots.pop(place(disk), None)


def _name(disk: DiskSpec) -> str:
    return "/".join(place(disk))
