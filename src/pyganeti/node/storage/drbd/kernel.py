"""What the kernel's DRBD module says of itself in files, which costs no program.

The module of 8.4 tells there how all devices are, as ``drbdsetup events2`` does: a disk that syncs
is looked at again and again, and on a slow machine each program takes from the sync itself.

Source: DRBD 8.4's user's guide, ``/proc/drbd``; ``tests/golden/drbd``.
"""

import re
from collections.abc import Callable
from typing import Final, Protocol

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import BlockDeviceError

from .state import Connection, DeviceState, DiskState, Role

_VERSION: Final = "/sys/module/drbd/version"
_PROC: Final = "/proc/drbd"
_SECTOR: Final = 512
_KIB: Final = 1024
# The line of a device, and what of the next one, which has numbers, is wanted.
_DEVICE: Final = re.compile(r"^ *(\d+): cs:(\w+)(?: ro:(\w+)/(\w+) ds:(\w+)/(\w+) .*)?$")
_NUMBERS: Final = re.compile(r"^    ns:.* oos:(\d+)$")
# The word after "cs:" of a device that has neither disk nor peer.
_NOTHING: Final = "Unconfigured"
# Words after "cs:" of devices without a peer; any other that is known says how replication goes.
_CONNECTED: Final = frozenset(
    {
        "Connected", "StartingSyncS", "StartingSyncT", "WFBitMapS", "WFBitMapT", "WFSyncUUID",
        "SyncSource", "SyncTarget", "VerifyS", "VerifyT", "PausedSyncS", "PausedSyncT", "Ahead",
        "Behind",
    }
)  # fmt: skip


class Kernel(Protocol):
    """What is read of a node's kernel."""

    def version(self) -> str:
        """Version of the module; empty while it is not loaded."""
        ...

    def account(self) -> str:
        """How the module says that all devices are; empty while it is not loaded."""
        ...

    def size(self, minor: int) -> int:
        """Bytes of a device; 0 of one that is not there."""
        ...


class ThisKernel:
    """The kernel that runs here; see :class:`Kernel`."""

    def version(self) -> str:
        """See :class:`Kernel`."""
        return _read(_VERSION)

    def account(self) -> str:
        """See :class:`Kernel`."""
        return _read(_PROC)

    def size(self, minor: int) -> int:
        """See :class:`Kernel`."""
        return int(_read(f"/sys/block/drbd{minor}/size") or "0") * _SECTOR


def _read(path: str) -> str:
    return (read_bytes(path) or b"").decode("ascii", "replace").strip("\n")


def parse_devices(text: str, size: Callable[[int], int]) -> dict[int, DeviceState]:
    """All devices by minor, from the account of a module of 8.4.

    Args:
        text: of ``/proc/drbd``.
        size: bytes of a device.

    Raises:
        BlockDeviceError: it is not what DRBD writes.
    """
    found: dict[int, DeviceState] = {}
    lines = [line for line in text.splitlines() if line.strip()]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        device = _DEVICE.match(line)
        if device is None:
            continue
        minor, word = int(device[1]), device[2]
        numbers = _NUMBERS.match(following)
        if word != _NOTHING and (numbers is None or device[3] is None):
            raise BlockDeviceError(f"{_PROC}: unexpected line {line!r}")
        found[minor] = DeviceState(
            minor=minor,
            role=device[3] or Role.SECONDARY,
            disk=device[5] or DiskState.DISKLESS,
            size=size(minor),
            connection=_connection(word),
            replication=_replication(word),
            peer_role=device[4] or Role.UNKNOWN,
            peer_disk=device[6] or DiskState.UNKNOWN,
            out_of_sync=int(numbers[1]) * _KIB if word != _NOTHING and numbers else 0,
        )
    return found


def _connection(word: str) -> str:
    if word in _CONNECTED:
        return Connection.CONNECTED
    # As drbdsetup says them.
    others = {_NOTHING: Connection.STANDALONE, "WFConnection": Connection.CONNECTING}
    return others.get(word, word)


def _replication(word: str) -> str:
    if word not in _CONNECTED:
        return "Off"
    return "Established" if word == Connection.CONNECTED else word
