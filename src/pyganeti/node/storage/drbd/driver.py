"""Disks mirrored on two nodes: the template ``drbd``.

Below each device lie two volumes of the node, for data and for metadata, which know whose they are;
nothing is done with a device whose volumes are another disk's. The secret is in the connection's
command only.
"""

from functools import partial
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import BlockDeviceError, StorageError
from pyganeti.node.storage.base import Progress, VolumeDriver
from pyganeti.node.storage.zeroes import Writer, write_zeroes
from pyganeti.wire.noderpc.disks import (
    BlockDevice,
    LocalDisk,
    MirrorStatus,
)
from pyganeti.wire.noderpc.specs import DiskSpec

from .commands import Link
from .device import Device, Drbd
from .state import DeviceState, DiskState, Role
from .syncs import Syncs

# How long a peer is looked for before a node writes alone.
_PEER_S: Final = 10.0
_STEP_S: Final = 0.2


class DrbdDriver:
    """DRBD devices as disks. See ``MirrorDriver``.

    Args:
        drbd: DRBD's programs.
        volumes: driver of the volumes below.
        clock: time, to wait for peers and to estimate how long a sync will take.
        write: overwrites a part of a device with zeroes.
    """

    def __init__(
        self, drbd: Drbd, volumes: VolumeDriver, clock: Clock, write: Writer = write_zeroes
    ) -> None:
        self._drbd = drbd
        self._volumes = volumes
        self._clock = clock
        self._write = write
        # By minor: when this daemon began to look for the peer.
        self._sought: dict[int, float] = {}
        self._syncs = Syncs(clock)

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See ``DiskDriver``: volumes, metadata and the device, which looks for no peer yet."""
        await self._create(disk, repeated=repeated, info=info)
        return ""

    async def _create(self, disk: DiskSpec, *, repeated: bool, info: str) -> Device:
        made: list[DiskSpec] = []
        try:
            for child in disk.children:
                await self._volumes.create(child, repeated=repeated, info=info)
                made.append(child)
            # Volumes that were just made are usable.
            device = await self._device(disk) if repeated else self._named(disk)
            if not repeated or await self._drbd.find(device) is None:
                await self._drbd.make_metadata(device)
            await self._drbd.attach(device)
        except BlockDeviceError:
            if len(made) == len(disk.children):
                await self.shutdown(disk)
            for child in reversed(made):
                await self._volumes.remove(child)
            raise
        return device

    async def create_first(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See ``MirrorDriver``."""
        device = await self._create(disk, repeated=repeated, info=info)
        try:
            await self._drbd.declare_good(device)
        except BlockDeviceError:
            await self.remove(disk)
            raise
        return ""

    async def create_on_data(self, disk: DiskSpec, *, repeated: bool) -> None:
        """See ``MirrorDriver``."""
        data, meta = disk.children
        await self._volumes.assemble_own((data,))
        await self._volumes.create(meta, repeated=repeated)
        try:
            device = await self._device(disk)
            if not repeated or await self._drbd.find(device) is None:
                await self._drbd.make_metadata(device)
            await self._drbd.attach(device)
            await self._drbd.declare_good(device)
        except BlockDeviceError:
            await self.shutdown(disk)
            await self._volumes.remove(meta)
            raise

    async def remove(self, disk: DiskSpec) -> None:
        """See ``DiskDriver``."""
        await self._volumes.check_own(disk.children)
        await self.shutdown(disk)
        for child in reversed(disk.children):
            await self._volumes.remove(child)

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See ``DiskDriver``: this node does not write, nor stops writing."""
        device = self._named(disk)
        # A device that has its disk holds the volumes, which need not be looked at.
        volumes = partial(self._volumes.assemble_own, disk.children)
        state, sought = await self._drbd.assemble(device, volumes)
        if sought:
            self._sought[device.minor] = self._clock.monotonic()
        return _found(state)

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """See ``DiskDriver``."""
        # Whose its volumes are was found out before they were attached, and it holds them since.
        device = self._named(disk)
        state = await self._met(disk, device)
        if exclusive and state.peer_role == Role.PRIMARY and state.role == Role.PRIMARY:
            raise BlockDeviceError(f"{disk.iv_name}: the peer of {state.path} writes as well")
        await self._drbd.open(device, state, alone=exclusive)

    async def close(self, disk: DiskSpec) -> None:
        """See ``DiskDriver``."""
        await self._drbd.close(self._named(disk))

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See ``DiskDriver``."""
        state = await self._drbd.find(self._named(disk))
        return None if state is None or not _is_usable(state) else _found(state)

    async def shutdown(self, disk: DiskSpec) -> None:
        """See ``DiskDriver``."""
        await self._drbd.down(self._named(disk))

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """See ``DiskDriver``; the device has it after :meth:`resize`, once both nodes have."""
        data, _meta = disk.children
        await self._volumes.grow(data, amount, dryrun=dryrun)

    async def resize(self, disk: DiskSpec, amount: int) -> None:
        """See ``MirrorDriver``."""
        await self._drbd.resize(await self._device(disk, disk.size + amount))

    async def detach(self, disk: DiskSpec) -> None:
        """See ``MirrorDriver``."""
        await self._drbd.detach(self._named(disk))

    async def renew(self, disk: DiskSpec) -> None:
        """See ``MirrorDriver``."""
        device = await self._device(disk)
        state = await self._drbd.find(device)
        if state is None:
            await self._drbd.make_metadata(device)
            return
        if state.disk != DiskState.DISKLESS:
            return
        if not state.is_connected or state.peer_disk != DiskState.UP_TO_DATE:
            text = f"the peer of {state.path} has nothing that its new volumes could be filled from"
            raise BlockDeviceError(f"{disk.iv_name}: {text}")
        await self._drbd.renew_metadata(device)
        await self._drbd.attach(device)

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """See ``DiskDriver``; of a disk that is open."""
        device = await self._device(disk)
        found = _found(await self._existing(disk, device))
        await self._write(found, disk, offset, size, progress)

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """Refuse: a device is known by its minor, and its volumes by themselves."""
        raise StorageError(f"{disk.iv_name}: a DRBD disk has no name that could be changed")

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """See ``DiskDriver``: on the volumes below."""
        await self._volumes.set_infos(disk.children, text)

    async def status(self, disk: DiskSpec, *, known: bool = False) -> MirrorStatus | None:
        """See ``MirrorDriver``."""
        device = self._named(disk)
        state = await (self._drbd.state(device.minor) if known else self._drbd.find(device))
        if state is None:
            return None
        apart = not (known or state.is_connected or state.disk == DiskState.DISKLESS)
        return MirrorStatus(
            path=state.path,
            minor=state.minor,
            size=state.size,
            primary=state.role == Role.PRIMARY,
            connected=state.is_connected,
            standalone=state.is_standalone,
            syncing=state.is_syncing,
            sync_percent=state.sync_percent,
            out_of_sync=state.out_of_sync,
            estimated_s=self._syncs.estimate(state),
            degraded=state.is_degraded,
            local_disk=_local_disk(state),
            generations=await self._drbd.generations(device.minor) if apart else (),
        )

    async def _met(self, disk: DiskSpec, device: Device) -> DeviceState:
        """The state once the peer was met, or did not answer for a while.

        A disk that missed something while its peer wrote must not be written to before they have
        talked; one whose peer is lost must be at last.
        """
        end = self._sought.pop(device.minor, self._clock.monotonic() - _PEER_S) + _PEER_S
        state = await self._existing(disk, device)
        while _waits(state) and self._clock.monotonic() < end:
            await self._clock.sleep(_STEP_S)
            state = await self._drbd.state(device.minor) or await self._existing(disk, device)
        return state

    async def _existing(self, disk: DiskSpec, device: Device) -> DeviceState:
        state = await self._drbd.find(device)
        if state is None:
            raise BlockDeviceError(f"{disk.iv_name}: DRBD minor {device.minor} is not active")
        return state

    async def _device(self, disk: DiskSpec, size: int | None = None) -> Device:
        """The device, its volumes made usable.

        Raises:
            StorageError: a volume is missing or another disk's.
        """
        paths = [found.path for found in await self._volumes.assemble_own(disk.children)]
        return _device(disk, paths, disk.size if size is None else size)

    def _named(self, disk: DiskSpec) -> Device:
        """The same, whether its volumes are there or not."""
        return _device(disk, [self._volumes.path(child) for child in disk.children], disk.size)


def _device(disk: DiskSpec, paths: list[str], size: int) -> Device:
    drbd = disk.drbd
    if drbd is None or len(paths) != 2:
        raise StorageError(f"{disk.iv_name}: it is no DRBD disk with two volumes")
    data, meta = paths
    link = Link(drbd.local.ip, drbd.remote.ip, drbd.port, drbd.secret)
    return Device(drbd.local.minor, data, meta, size, link, disk.params)


def _found(state: DeviceState) -> BlockDevice:
    return BlockDevice(path=state.path, size=state.size)


def _waits(state: DeviceState) -> bool:
    """Whether its peer may come and have something newer."""
    return not (state.is_connected or state.is_standalone or state.role == Role.PRIMARY)


def _is_usable(state: DeviceState) -> bool:
    """Whether there is a disk behind it, this node's or the peer's."""
    return state.disk != DiskState.DISKLESS or state.is_connected


def _local_disk(state: DeviceState) -> LocalDisk:
    if state.disk == DiskState.UP_TO_DATE:
        return LocalDisk.OKAY
    if state.disk in (DiskState.DISKLESS, DiskState.FAILED):
        return LocalDisk.FAULTY
    return LocalDisk.SYNC if state.is_syncing else LocalDisk.UNKNOWN
