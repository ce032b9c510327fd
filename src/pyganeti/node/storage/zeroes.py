"""Overwriting disks, piece by piece."""

import os
from collections.abc import Awaitable, Callable
from typing import Final

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import StorageError
from pyganeti.wire.noderpc.disks import BlockDevice
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress

from .base import MIB, Progress

# Device, disk, offset and size in MiB, progress: see write_zeroes.
Writer = Callable[[BlockDevice, DiskSpec, int, int, Progress], Awaitable[None]]

_CHUNK_MIB: Final = 16
_ZEROES: Final = bytes(MIB)


async def write_zeroes(
    device: BlockDevice, disk: DiskSpec, offset: int, size: int, progress: Progress
) -> None:
    """Overwrite ``size`` MiB from ``offset`` MiB of ``disk`` at ``device``, durably.

    Raises:
        StorageError: that is beyond its end, or it cannot be written.
    """
    end = offset + size
    if end * MIB > device.size:
        raise StorageError(f"{disk.iv_name}: {end} MiB is beyond the end of {device.path}")
    for position in range(offset, end, _CHUNK_MIB):
        count = min(_CHUNK_MIB, end - position)
        try:
            await in_thread(_write, device.path, position, count)
        except OSError as err:
            raise StorageError(f"{disk.iv_name}: {device.path}: {err.strerror}") from err
        progress(TaskProgress(position + count - offset, size))


def _write(path: str, offset_mib: int, count_mib: int) -> None:
    handle = os.open(os.path.realpath(path), os.O_WRONLY | os.O_NOFOLLOW)
    try:
        for position in range(offset_mib, offset_mib + count_mib):
            view = memoryview(_ZEROES)
            while view:
                view = view[os.pwrite(handle, view, position * MIB + MIB - len(view)) :]
        os.fdatasync(handle)
    finally:
        os.close(handle)
