"""Disks that are block devices of somebody else's making: the template ``blockdev``.

``logical_id`` is ``("manual", path)``. Such a device is adopted, never made: it is neither wiped,
grown, renamed nor removed, and has its content before and after the instance.
"""

import fcntl
import os
import stat
import struct
from typing import Final

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import StorageError
from pyganeti.model.templates import ADOPTABLE_DEVICES
from pyganeti.wire.noderpc.disks import BlockDevice
from pyganeti.wire.noderpc.specs import DiskSpec

from .base import MIB, Progress

# ioctl: size of a block device in bytes, as a 64-bit number.
_BLKGETSIZE64: Final = 0x80081272


class DeviceDriver:
    """Existing block devices. See ``DiskDriver``; what would change one is refused."""

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """Refuse."""
        raise StorageError(f"{disk.iv_name}: a block device is adopted, not created")

    async def remove(self, disk: DiskSpec) -> None:
        """Nothing to do: the device is not ours."""

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~.base.DiskDriver.assemble`."""
        path = _path(disk)
        return BlockDevice(path=path, size=await in_thread(device_size, path))

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """Nothing to do."""

    async def close(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See :meth:`~.base.DiskDriver.find`."""
        try:
            return await self.assemble(disk)
        except StorageError:
            return None

    async def shutdown(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """Refuse."""
        raise StorageError(f"{disk.iv_name}: {_path(disk)} cannot be grown from here")

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """Refuse."""
        raise StorageError(f"{disk.iv_name}: {_path(disk)} was adopted, it is not wiped")

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """Refuse."""
        raise StorageError(f"{disk.iv_name}: {_path(disk)} cannot be renamed")

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """Nothing to do: there is no place for it."""


async def adoptable_size(path: str) -> int:
    """Size in MiB of a block device that an instance may have.

    Raises:
        StorageError: it is none, has no stable name, or is in use.
    """
    return await in_thread(device_size, _allowed(path), exclusive=True) // MIB


def _path(disk: DiskSpec) -> str:
    try:
        _manual, path = disk.logical_id
    except ValueError as err:
        raise StorageError(f"{disk.iv_name}: {disk.logical_id!r} is no device's place") from err
    return _allowed(str(path))


def _allowed(path: str) -> str:
    if os.path.normpath(path) != path or not path.startswith(ADOPTABLE_DEVICES):
        raise StorageError(f"{path} is no stable name of a device below {ADOPTABLE_DEVICES}")
    return path


def device_size(path: str, *, exclusive: bool = False) -> int:
    """Size in bytes of a block device; blocking.

    Raises:
        StorageError: it is none; or, with ``exclusive``, something is mounted or built on it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | (os.O_EXCL if exclusive else 0))
    except OSError as err:
        raise StorageError(f"{path}: {err.strerror}") from err
    try:
        if not stat.S_ISBLK(os.fstat(handle).st_mode):
            raise StorageError(f"{path} is not a block device")
        answer = fcntl.ioctl(handle, _BLKGETSIZE64, bytes(8))
    except OSError as err:
        raise StorageError(f"{path}: {err.strerror}") from err
    finally:
        os.close(handle)
    return int(struct.unpack("Q", answer)[0])
