"""What is on the disks of a simulated node, piece by piece, under the paths of its drivers."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from pyganeti.model.errors import OpExecError, StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.fake import FakeDevices, FakeDriver
from pyganeti.testing.drbd import SimDrbd

_ZEROES: Final = bytes(MIB)
_DRBD: Final = "/dev/drbd"


class SimBlocks:
    """See :class:`~pyganeti.node.storage.blocks.Blocks`.

    Args:
        drivers: whose disks they are.
        drbd: devices on top of volumes.
        devices: of others, on which nothing is.

    Attributes:
        writing: paths of disks that are open for writing.
    """

    def __init__(
        self, drivers: Sequence[FakeDriver], drbd: SimDrbd, devices: FakeDevices | None = None
    ) -> None:
        self.writing: set[str] = set()
        self._devices = devices or FakeDevices()
        self._drivers = drivers
        self._drbd = drbd

    def _find(self, path: str) -> tuple[FakeDriver, str]:
        """Whose the disk is, and under which place it has it."""
        if path.startswith(_DRBD):
            device = self._drbd.devices[int(path.removeprefix(_DRBD))]
            if not device.primary:
                raise StorageError(f"{path}: Wrong medium type")
            path = device.data
        for driver in self._drivers:
            if path in driver.disks:
                return driver, path
        raise StorageError(f"{path}: No such file or directory")

    async def size(self, path: str) -> int:
        """See ``Blocks``."""
        if path in self._devices.sizes:
            return self._devices.size(path) * MIB
        driver, place = self._find(path)
        return driver.disks[place][0] * MIB

    async def read(self, path: str, offset: int, size: int) -> bytes:
        """See ``Blocks``."""
        if path in self._devices.sizes:
            return bytes(min(size, self._devices.size(path) * MIB - offset))
        driver, place = self._find(path)
        return b"".join(pieces(driver, place, offset, size))

    async def write(self, path: str, offset: int, data: bytes) -> None:
        """See ``Blocks``; only whole pieces are written here."""
        driver, place = self._find(path)
        if offset + len(data) > driver.disks[place][0] * MIB:
            raise OpExecError(f"{path} is too small")
        self.writing.add(path)
        put_content(driver, place, offset, data)

    async def sync(self, path: str) -> None:
        """See ``Blocks``."""
        self._find(path)

    async def release(self, path: str) -> None:
        """See ``Blocks``."""
        self.writing.discard(path)


def pieces(driver: FakeDriver, place: str, offset: int, size: int) -> Iterator[bytes]:
    """What is on a disk, in pieces."""
    found = driver.contents.get(place, {})
    end = min(offset + size, driver.disks[place][0] * MIB)
    for start in range(offset, end, MIB):
        yield found.get(start, _ZEROES)[: end - start]


def put_content(driver: FakeDriver, place: str, offset: int, data: bytes) -> None:
    """Write whole pieces to a disk."""
    found = driver.contents.setdefault(place, {})
    for start in range(0, len(data), MIB):
        piece = data[start : start + MIB]
        if piece == _ZEROES:
            found.pop(offset + start, None)
        else:
            found[offset + start] = piece


def digest(driver: FakeDriver, place: str) -> str:
    """Checksum of what is on a disk; empty for nothing but zeroes."""
    found = driver.contents.get(place)
    if not found:
        return ""
    total = hashlib.sha256()
    for offset, piece in sorted(found.items()):
        total.update(offset.to_bytes(8) + piece)
    return total.hexdigest()
