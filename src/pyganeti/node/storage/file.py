"""Disks as raw image files: the templates ``file`` and ``sharedfile``.

``logical_id`` is ``(driver, path)``. Images are sparse and have exactly the size asked for. Each
file carries its disk's UUID in an extended attribute, where the file system has them, so that
neither a repeat nor an undo can hit somebody else's file.
"""

import os
import stat
from contextlib import suppress
from typing import Final

from pyganeti.kit.files import sync_directory
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import StorageError
from pyganeti.model.state_disks import TPM_STATE
from pyganeti.wire.noderpc.disks import (
    BlockDevice,
    StorageInfo,
)
from pyganeti.wire.noderpc.specs import DiskSpec

from .base import MIB, Progress
from .whitelist import Whitelist
from .zeroes import write_zeroes

_OWNER: Final = "user.ganeti.disk"
_TRIES: Final = 10


class FileDriver:
    """Image files below the directories that the node's whitelist allows. See ``DiskDriver``.

    Args:
        whitelist: where disks may lie.
        storage_type: ``file`` or ``sharedfile``.
        share: a virtual node reports one in this many of the file system as its own.
    """

    def __init__(self, whitelist: Whitelist, storage_type: str, share: int = 1) -> None:
        self._whitelist = whitelist
        self._type = storage_type
        self._share = share

    def _path(self, disk: DiskSpec) -> str:
        try:
            _driver, path = disk.logical_id
        except ValueError as err:
            raise StorageError(f"{disk.iv_name}: {disk.logical_id!r} is no file's place") from err
        return self._whitelist.check(str(path))

    async def create(self, disk: DiskSpec, *, repeated: bool, info: str = "") -> str:
        """See :meth:`~.base.DiskDriver.create`."""
        await in_thread(_create, self._path(disk), disk, repeated=repeated)
        return ""

    async def remove(self, disk: DiskSpec) -> None:
        """See :meth:`~.base.DiskDriver.remove`."""
        path = self._path(disk)
        _check_owner(path, disk)
        try:
            await in_thread(os.unlink, path)
        except FileNotFoundError:
            return
        except OSError as err:
            raise StorageError(f"{disk.iv_name}: {path}: {err.strerror}") from err

    async def assemble(self, disk: DiskSpec) -> BlockDevice:
        """See :meth:`~.base.DiskDriver.assemble`."""
        device = await self.find(disk)
        if device is None:
            raise StorageError(f"{disk.iv_name}: {self._path(disk)} does not exist")
        if disk.name == TPM_STATE:
            await in_thread(_restore_size, device.path, disk)
        return device

    async def open(self, disk: DiskSpec, *, exclusive: bool) -> None:
        """Nothing to do."""

    async def close(self, disk: DiskSpec) -> None:
        """Nothing to do."""

    async def find(self, disk: DiskSpec) -> BlockDevice | None:
        """See :meth:`~.base.DiskDriver.find`."""
        path = self._path(disk)
        size = _size(path)
        if size is not None and disk.name == TPM_STATE:
            size = max(size, disk.size * MIB)
        return None if size is None else BlockDevice(path=path, size=size)

    async def shutdown(self, disk: DiskSpec) -> None:
        """Nothing to do: a file is always there."""

    async def grow(self, disk: DiskSpec, amount: int, *, dryrun: bool) -> None:
        """See :meth:`~.base.DiskDriver.grow`."""
        device = await self.assemble(disk)
        wanted = (disk.size + amount) * MIB
        if amount < 0:
            raise StorageError(f"{disk.iv_name}: a disk cannot shrink by {-amount} MiB")
        _check_fits(device.path, disk, amount)
        if dryrun or device.size >= wanted:
            return
        try:
            await in_thread(os.truncate, device.path, wanted)
        except OSError as err:
            raise StorageError(f"{disk.iv_name}: {device.path}: {err.strerror}") from err

    async def wipe(self, disk: DiskSpec, offset: int, size: int, progress: Progress) -> None:
        """See :meth:`~.base.DiskDriver.wipe`."""
        await write_zeroes(await self.assemble(disk), disk, offset, size, progress)

    async def rename(self, disk: DiskSpec, new: DiskSpec) -> None:
        """See :meth:`~.base.DiskDriver.rename`."""
        source, target = self._path(disk), self._path(new)
        there = target if _size(source) is None else source
        if _size(there) is None:
            raise StorageError(f"{disk.iv_name}: {source} does not exist")
        if _owner(there) != new.uuid:
            _check_owner(there, disk)
        try:
            if there != target:
                # A link and not a rename, because that would replace an existing target.
                await in_thread(os.link, source, target)
                await in_thread(os.unlink, source)
            await in_thread(_set_owner, target, new.uuid)
        except OSError as err:
            text = f"{disk.iv_name}: {source} to {target}: {err.strerror}"
            raise StorageError(text) from err

    async def set_info(self, disk: DiskSpec, text: str) -> None:
        """Nothing to do: the directory tells whose file it is."""

    async def space(self, name: str) -> StorageInfo:
        """See :meth:`~.base.SpaceReader.space`; ``name`` is a directory."""
        try:
            status = await in_thread(os.statvfs, self._whitelist.local(name))
        except OSError as err:
            raise StorageError(f"{name}: {err.strerror}") from err
        free = status.f_bavail * status.f_frsize // MIB // self._share
        size = status.f_blocks * status.f_frsize // MIB // self._share
        return StorageInfo(type=self._type, name=name, storage_free=free, storage_size=size)

    async def create_directory(self, path: str) -> None:
        """Make an instance's directory; one that exists is a success.

        Raises:
            FileStoragePathError: disks may not lie there.
            StorageError: it cannot be made.
        """
        local = self._whitelist.check(path)
        try:
            await in_thread(_make_directories, local)
        except OSError as err:
            raise StorageError(f"{local}: {err.strerror}") from err

    async def remove_directory(self, path: str, below: str | None = None) -> None:
        """Remove an instance's empty directory; a missing one is a success.

        With it go those above it that are empty then, but for ``below`` and what is above that.

        Raises:
            FileStoragePathError: disks may not lie there.
            StorageError: it is not empty.
        """
        local = self._whitelist.check(path)
        try:
            await in_thread(os.rmdir, local)
        except FileNotFoundError:
            pass
        except OSError as err:
            raise StorageError(f"{local}: {err.strerror}") from err
        if below is not None:
            await in_thread(_remove_empty, os.path.dirname(local), self._whitelist.local(below))


def _make_directories(path: str) -> None:
    """Make ``path`` and what is missing above it.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_TRIES):
        # One above it that was empty may be removed in between.
        with suppress(FileNotFoundError):
            os.makedirs(path, 0o750, exist_ok=True)
            return
    os.makedirs(path, 0o750, exist_ok=True)


def _remove_empty(path: str, below: str) -> None:
    """Remove ``path`` and those above it as long as they are empty, and below ``below``."""
    with suppress(OSError):
        while path.startswith(f"{below}/"):
            os.rmdir(path)
            path = os.path.dirname(path)


def _size(path: str) -> int | None:
    """Size of the regular file ``path`` in bytes, or ``None``.

    A link is none: scripts of OSes write to images, and must not lead us elsewhere.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _restore_size(path: str, disk: DiskSpec) -> None:
    """Make a TPM's image as long as its disk: swtpm cuts a file off behind what it needs."""
    if os.path.getsize(path) < disk.size * MIB:
        try:
            os.truncate(path, disk.size * MIB)
        except OSError as err:
            raise StorageError(f"{disk.iv_name}: {path}: {err.strerror}") from err


def _owner(path: str) -> str:
    try:
        return os.getxattr(path, _OWNER).decode("ascii", "replace")
    except OSError:
        return ""


def _set_owner(file: str | int, uuid: str) -> None:
    """Note whose it is, where the file system can keep that."""
    with suppress(OSError):
        os.setxattr(file, _OWNER, uuid.encode("ascii"))


def _check_owner(path: str, disk: DiskSpec) -> None:
    owner = _owner(path)
    if owner and disk.uuid and owner != disk.uuid:
        raise StorageError(f"{disk.iv_name}: {path} belongs to disk {owner}, not to {disk.uuid}")


def _check_fits(directory: str, disk: DiskSpec, size: int) -> None:
    # Sparse files may promise more than is free, as in Ganeti, but not what can never come true.
    status = os.statvfs(directory)
    capacity = status.f_blocks * status.f_frsize // MIB
    if size > capacity:
        text = f"{disk.iv_name}: {size} MiB do not fit on {directory}, which has {capacity} MiB"
        raise StorageError(text)


def _create(path: str, disk: DiskSpec, *, repeated: bool) -> None:
    try:
        _check_fits(os.path.dirname(path), disk, disk.size)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as err:
        if repeated and _is_fresh(path, disk):
            return
        raise StorageError(f"{disk.iv_name}: {path} exists already") from err
    except OSError as err:
        raise StorageError(f"{disk.iv_name}: {path}: {err.strerror}") from err
    try:
        try:
            os.ftruncate(handle, disk.size * MIB)
            _set_owner(handle, disk.uuid)
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_directory(os.path.dirname(path))
    except OSError as err:
        os.unlink(path)
        raise StorageError(f"{disk.iv_name}: {path}: {err.strerror}") from err


def _is_fresh(path: str, disk: DiskSpec) -> bool:
    """Whether ``path`` is what a former attempt to create ``disk`` left: ours, nothing in it."""
    status = os.lstat(path)
    ours = _owner(path) in (disk.uuid, "")
    return ours and status.st_blocks * 512 < MIB and status.st_size == disk.size * MIB
