"""What other nodes may read and write on this one: opened and ended by the master. Blocking.

The permission is a file in the run directory, so that it outlives the daemon and not the boot: what
was written before a power cut need not have reached the disk.

Source: docs/design/0010-backup.md, "Between nodes".
"""

import os
import stat
from typing import Final

import msgspec

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.model.errors import OpExecError

# What was written is brought to the disk each time it passes a multiple of this, so that the end
# has little left to wait for.
_STRIDE: Final = 64 << 20


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """What one other node may do here.

    Attributes:
        peer: UUID of that node, as its certificate has it.
        files: paths by the names under which they are asked for.
        writable: whether they are to be written, and not read.
        disks: whether they are assembled disks, which are neither made nor grown.
    """

    peer: str
    files: dict[str, str]
    writable: bool
    disks: bool = False


class Transfers:
    """The transfers that are open on this node, by names that the master gives them.

    Args:
        directory: where they are noted.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def allow(self, name: str, transfer: Transfer) -> None:
        """Open a transfer, or change it."""
        os.makedirs(self._directory, 0o700, exist_ok=True)
        write_atomic(self._path(name), msgspec.json.encode(transfer), durable=False)

    def end(self, name: str) -> None:
        """End a transfer; a missing one is a success."""
        remove(self._path(name))

    def read(self, name: str, peer: str, file: str, *, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset``; fewer only at the end.

        Raises:
            OpExecError: ``peer`` may not.
            OSError: it cannot be read.
        """
        path = self.path(name, peer, file, writable=False)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            return _read_at(handle, offset, size)
        finally:
            os.close(handle)

    def write(self, name: str, peer: str, file: str, *, offset: int, data: bytes) -> None:
        """Put ``data`` at ``offset``; what is there already is written again.

        Raises:
            OpExecError: ``peer`` may not, or what comes before is missing.
            OSError: it cannot be written.
        """
        path = self.path(name, peer, file, writable=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            status = os.fstat(handle)
            if stat.S_ISREG(status.st_mode) and status.st_size < offset:
                raise OpExecError(f"{path} has {status.st_size} bytes, not {offset}")
            _write_at(handle, offset, data)
            if offset // _STRIDE != (offset + len(data)) // _STRIDE:
                os.fdatasync(handle)
        except OSError as err:
            raise OSError(err.errno, err.strerror, path) from err
        finally:
            os.close(handle)

    def find(self, name: str) -> Transfer | None:
        """The transfer, if it is open."""
        found = read_bytes(self._path(name))
        return None if found is None else msgspec.json.decode(found, type=Transfer)

    def path(self, name: str, peer: str, file: str, *, writable: bool, disks: bool = False) -> str:
        """Where a file is, or a disk, that ``peer`` may read or write.

        Raises:
            OpExecError: it may not.
        """
        transfer = self.find(name)
        wanted = (peer, writable, disks)
        if transfer is None or (transfer.peer, transfer.writable, transfer.disks) != wanted:
            raise OpExecError(f"transfer {name} is not open to node {peer!r}")
        if file not in transfer.files:
            raise OpExecError(f"transfer {name} has no file {file!r}")
        return transfer.files[file]

    def _path(self, name: str) -> str:
        if not name or not name.replace("-", "").isalnum():
            raise OpExecError(f"{name!r} is no name of a transfer")
        return os.path.join(self._directory, name)


def _read_at(handle: int, offset: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (data := os.pread(handle, size - len(found), offset + len(found))):
        found += data
    return bytes(found)


def _write_at(handle: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        offset, view = offset + written, view[written:]
