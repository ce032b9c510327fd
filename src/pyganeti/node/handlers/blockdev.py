"""Answers to calls about disks and their directories."""

from typing import Protocol

import msgspec

from pyganeti.kit.threads import in_thread
from pyganeti.model.enums import DiskAccess, DiskTemplate
from pyganeti.model.errors import GenericError, StorageError
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.storage.base import Storage
from pyganeti.node.storage.links import DiskLinks
from pyganeti.node.storage.volumes import Volumes
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import blockdev as calls
from pyganeti.wire.noderpc.disks import BlockDevice
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.types import TaskProgress


class Directories(Protocol):
    """Makes and removes the directories of instances' files."""

    async def create_directory(self, path: str) -> None:
        """Make ``path``; one that exists is a success."""
        ...

    async def remove_directory(self, path: str, below: str | None = None) -> None:
        """Remove ``path`` if it is empty; a missing one is a success.

        With it go those above it that are empty then, but for ``below`` and what is above that.
        """
        ...


class BlockdevHandlers:
    """Disks of a node."""

    def __init__(
        self, storage: Storage, volumes: Volumes, links: DiskLinks, directories: Directories
    ) -> None:
        self._storage = storage
        self._volumes = volumes
        self._links = links
        self._directories = directories

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.BlockdevAssembleCall, self._assemble),
            handles(calls.BlockdevCloseCall, self._close),
            handles_with_run(calls.BlockdevCreateCall, self._create),
            handles(calls.BlockdevFindCall, self._find),
            handles(calls.BlockdevGetdimensionsCall, self._dimensions),
            handles(calls.BlockdevGrowCall, self._grow),
            handles(calls.BlockdevOpenCall, self._open),
            handles(calls.BlockdevRemoveCall, self._remove),
            handles(calls.BlockdevRenameCall, self._rename),
            handles(calls.BlockdevSetinfoCall, self._set_info),
            handles(calls.BlockdevShutdownCall, self._shutdown),
            handles(calls.BlockdevSnapshotCall, self._snapshot),
            handles_with_run(calls.BlockdevWipeCall, self._wipe),
            handles(calls.FileStorageDirCreateCall, self._create_directory),
            handles(calls.FileStorageDirRemoveCall, self._remove_directory),
        )

    async def attach(self, instance: InstanceSpec) -> tuple[GuestDisk, ...]:
        """Assemble and link all disks of ``instance``, and no others, as its guest gets them.

        Raises:
            BlockDeviceError: one is not there.
        """
        found: list[GuestDisk] = []
        for index, disk in enumerate(instance.disks):
            device = await self._storage.driver(disk.dev_type).assemble(disk)
            link = await self._link(instance.name, index, device)
            uri = _uri(disk, device, instance)
            found.append(GuestDisk(disk, link, uri, device.size))
        await in_thread(self._links.trim, instance.name, len(found))
        return tuple(found)

    async def devices(self, instance: InstanceSpec) -> tuple[GuestDisk, ...]:
        """All disks of ``instance`` under their own paths, as scripts get them.

        Raises:
            BlockDeviceError: one is not there.
        """
        return tuple([await self.device(disk, instance) for disk in instance.disks])

    async def device(self, disk: DiskSpec, instance: InstanceSpec) -> GuestDisk:
        """One disk under its own path: one of ``instance``, or a snapshot of it.

        Raises:
            BlockDeviceError: it is not there.
        """
        device = await self._storage.driver(disk.dev_type).assemble(disk)
        return GuestDisk(disk, device.path, _uri(disk, device, instance))

    async def _create(self, call: calls.BlockdevCreateCall, run: CallRun) -> str:
        driver = self._storage.driver(call.disk.dev_type)
        mirror = self._storage.find_mirror(call.disk.dev_type)
        repeated = run.ctx.attempt > 1
        if mirror and call.on_data:
            await mirror.create_on_data(call.disk, repeated=repeated)
            if call.info:
                await driver.set_info(call.disk, call.info)
            return ""
        create = mirror.create_first if mirror and call.on_primary else driver.create
        return await create(call.disk, repeated=repeated, info=call.info)

    async def _remove(self, call: calls.BlockdevRemoveCall) -> None:
        await self._storage.driver(call.disk.dev_type).remove(call.disk)

    async def _rename(self, call: calls.BlockdevRenameCall) -> None:
        for disk, new in call.disks:
            await self._storage.driver(disk.dev_type).rename(disk, new)

    async def _set_info(self, call: calls.BlockdevSetinfoCall) -> None:
        await self._storage.driver(call.disk.dev_type).set_info(call.disk, call.info)

    async def _assemble(self, call: calls.BlockdevAssembleCall) -> BlockDevice:
        driver = self._storage.driver(call.disk.dev_type)
        device = await driver.assemble(call.disk)
        if not call.on_primary:
            return device
        await driver.open(call.disk, exclusive=True)
        link = await self._link(call.instance.name, call.index, device)
        return msgspec.structs.replace(device, link=link)

    async def _open(self, call: calls.BlockdevOpenCall) -> None:
        for disk in call.disks:
            driver = self._storage.driver(disk.dev_type)
            await driver.open(disk, exclusive=call.exclusive)

    async def _close(self, call: calls.BlockdevCloseCall) -> None:
        await in_thread(self._links.trim, call.instance_name, 0)
        for disk in call.disks:
            await self._storage.driver(disk.dev_type).close(disk)

    async def _find(self, call: calls.BlockdevFindCall) -> BlockDevice | None:
        return await self._storage.driver(call.disk.dev_type).find(call.disk)

    async def _shutdown(self, call: calls.BlockdevShutdownCall) -> None:
        if call.instance_name:
            await in_thread(self._links.remove, call.instance_name, call.index)
        await self._storage.driver(call.disk.dev_type).shutdown(call.disk)

    async def _snapshot(self, call: calls.BlockdevSnapshotCall) -> None:
        driver = self._storage.snapshots(call.disk.dev_type)
        await driver.snapshot(call.disk, call.snapshot)

    async def _grow(self, call: calls.BlockdevGrowCall) -> None:
        driver = self._storage.driver(call.disk.dev_type)
        mirror = self._storage.find_mirror(call.disk.dev_type)
        if call.backingstore:
            await driver.grow(call.disk, call.amount, dryrun=call.dryrun)
        elif mirror is not None:
            await mirror.resize(call.disk, call.amount)

    async def _wipe(self, call: calls.BlockdevWipeCall, run: CallRun) -> None:
        def progress(made: TaskProgress) -> None:
            run.progress = made

        driver = self._storage.driver(call.disk.dev_type)
        await driver.wipe(call.disk, call.offset, call.size, progress)

    async def _dimensions(
        self, call: calls.BlockdevGetdimensionsCall
    ) -> tuple[tuple[int, int | None] | None, ...]:
        return tuple([await self._dimension(disk, spindles=call.spindles) for disk in call.disks])

    async def _dimension(self, disk: DiskSpec, *, spindles: bool) -> tuple[int, int | None] | None:
        size = await self._measure(disk)
        if size is None or not spindles or disk.dev_type != DiskTemplate.PLAIN:
            return None if size is None else (size, None)
        group, name = map(str, disk.logical_id)
        return size, await self._volumes.spindles(group, name)

    async def _measure(self, disk: DiskSpec) -> int | None:
        try:
            device = await self._storage.driver(disk.dev_type).find(disk)
        except GenericError:
            # One disk that cannot be looked at must not hide the others.
            return None
        if device is not None:
            return device.size
        probe = self._storage.find_probe(disk.dev_type)
        if probe is not None:
            return await probe.measure(disk)
        # A mirror that is not active has its data on a volume.
        return await self._measure(disk.children[0]) if disk.children else None

    async def _link(self, name: str, index: int, device: BlockDevice) -> str:
        """The stable name of a disk's device; of one without there is none."""
        if device.path:
            return await in_thread(self._links.make, name, index, device.path)
        await in_thread(self._links.remove, name, index)
        return ""

    async def _create_directory(self, call: calls.FileStorageDirCreateCall) -> None:
        await self._directories.create_directory(call.file_storage_dir)

    async def _remove_directory(self, call: calls.FileStorageDirRemoveCall) -> None:
        await self._directories.remove_directory(call.file_storage_dir, call.below)


def _uri(disk: DiskSpec, device: BlockDevice, instance: InstanceSpec) -> str:
    """How the guest reaches a disk without a block device; empty if it is to have one.

    Raises:
        StorageError: it is not to have one, and cannot be reached otherwise.
    """
    if disk.params.get("access") != DiskAccess.USERSPACE:
        return ""
    if instance.hypervisor not in device.uris:
        text = f"its storage has no userspace access for hypervisor {instance.hypervisor}"
        raise StorageError(f"{disk.iv_name}: {text}, but it has access=userspace")
    return device.uris[instance.hypervisor]
