"""What is on disks, read and written piece by piece, whatever they are made of.

A disk that is written to stays open until it is released: closing a block device each time would
write its cache out and wake up whoever watches devices.
"""

import asyncio
import os
from typing import Protocol

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError


class Blocks(Protocol):
    """Contents of assembled disks, by their paths.

    All raise ``OSError`` where the device fails.
    """

    async def size(self, path: str) -> int:
        """Bytes that a disk has."""
        ...

    async def read(self, path: str, offset: int, size: int) -> bytes:
        """Bytes from ``offset``; fewer than ``size`` only at the end."""
        ...

    async def write(self, path: str, offset: int, data: bytes) -> None:
        """Put ``data`` at ``offset``; others may read it, a power cut may take it back.

        Raises:
            OpExecError: it does not fit.
        """
        ...

    async def sync(self, path: str) -> None:
        """Bring all that was written to the disk itself."""
        ...

    async def release(self, path: str) -> None:
        """Write no more: a disk that is not used by others can be removed then."""
        ...


class _Open:
    """A disk that is open for writing, by one at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.handle: int | None = None


class DeviceBlocks:
    """Block devices and image files. See :class:`Blocks`."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    async def size(self, path: str) -> int:
        """See :meth:`Blocks.size`."""
        return await in_thread(_size, path)

    async def read(self, path: str, offset: int, size: int) -> bytes:
        """See :meth:`Blocks.read`."""
        return await in_thread(_read, path, offset, size)

    async def write(self, path: str, offset: int, data: bytes) -> None:
        """See :meth:`Blocks.write`."""
        one = self._open.setdefault(path, _Open())
        async with one.lock:
            if one.handle is None:
                one.handle = await in_thread(_opened, path, os.O_WRONLY)
            await in_thread(_write, one.handle, path, offset, data)

    async def sync(self, path: str) -> None:
        """See :meth:`Blocks.sync`."""
        await in_thread(_sync, path)

    async def release(self, path: str) -> None:
        """See :meth:`Blocks.release`."""
        one = self._open.pop(path, None)
        if one is None:
            return
        async with one.lock:
            handle, one.handle = one.handle, None
            if handle is not None:
                await in_thread(os.close, handle)


def _opened(path: str, flags: int) -> int:
    # Volumes are links to their devices, which have other names each time; an image is no link.
    return os.open(os.path.realpath(path), flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _size(path: str) -> int:
    handle = _opened(path, os.O_RDONLY)
    try:
        return os.lseek(handle, 0, os.SEEK_END)
    finally:
        os.close(handle)


def _read(path: str, offset: int, size: int) -> bytes:
    handle = _opened(path, os.O_RDONLY)
    try:
        found = [os.pread(handle, size, offset)]
        done = len(found[0])
        while found[-1] and done < size:
            found.append(os.pread(handle, size - done, offset + done))
            done += len(found[-1])
        return found[0] if len(found) == 1 else b"".join(found)
    except OSError as err:
        raise OSError(err.errno, err.strerror, path) from err
    finally:
        os.close(handle)


def _write(handle: int, path: str, offset: int, data: bytes) -> None:
    end = os.lseek(handle, 0, os.SEEK_END)
    if offset < 0 or offset + len(data) > end:
        raise OpExecError(f"{path} has {end} bytes, {offset + len(data)} do not fit")
    view = memoryview(data)
    try:
        while view:
            written = os.pwrite(handle, view, offset)
            offset, view = offset + written, view[written:]
    except OSError as err:
        raise OSError(err.errno, err.strerror, path) from err


def _sync(path: str) -> None:
    handle = _opened(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as err:
        raise OSError(err.errno, err.strerror, path) from err
    finally:
        os.close(handle)
