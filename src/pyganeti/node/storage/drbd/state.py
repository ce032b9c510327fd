"""What DRBD says of its devices: ``drbdsetup events2 --now --statistics``, one line an object.

Pure. The module of 8.4 says it in a file, too, see :mod:`.kernel`. DRBD 8.4 and 9 print the same
kinds of lines; words that are not known here are kept out of every decision that could cost data:
they mean neither "up to date" nor "connected".

Source: drbdsetup(8); ``tests/golden/drbd``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyganeti.model.errors import BlockDeviceError

_KIB: Final = 1024


class Role(StrEnum):
    """Whether a node may write to a device."""

    PRIMARY = "Primary"
    SECONDARY = "Secondary"
    UNKNOWN = "Unknown"


class Connection(StrEnum):
    """The connection to the peer, as far as it matters here."""

    STANDALONE = "StandAlone"  # none, and none is tried
    CONNECTING = "Connecting"  # DRBD 9's name of the next
    WF_CONNECTION = "WFConnection"
    NETWORK_FAILURE = "NetworkFailure"
    CONNECTED = "Connected"


class DiskState(StrEnum):
    """How good a disk's content is."""

    DISKLESS = "Diskless"
    FAILED = "Failed"
    INCONSISTENT = "Inconsistent"
    OUTDATED = "Outdated"
    UNKNOWN = "DUnknown"
    CONSISTENT = "Consistent"
    UP_TO_DATE = "UpToDate"


# States of replication in which the two disks are being made the same.
_SYNCING: Final = frozenset(
    {
        "StartingSyncS", "StartingSyncT", "WFBitMapS", "WFBitMapT", "WFSyncUUID",
        "SyncSource", "SyncTarget", "PausedSyncS", "PausedSyncT", "Ahead", "Behind",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One device, as its node sees it. Words are DRBD's, sizes are bytes.

    Attributes:
        minor: number of its ``/dev/drbdN``.
        size: 0 of one that never had a disk.
        replication: ``Off``, ``Established``, ``SyncSource``, ...
        out_of_sync: what differs from the peer, or did when it was last seen.
        two_primaries: both nodes may write; ``None`` where that was not asked.
    """

    minor: int
    role: str
    disk: str
    size: int
    connection: str
    replication: str
    peer_role: str
    peer_disk: str
    out_of_sync: int
    two_primaries: bool | None = None

    @property
    def path(self) -> str:
        """Its device node."""
        return f"/dev/drbd{self.minor}"

    @property
    def is_connected(self) -> bool:
        """Whether writes reach the peer."""
        return self.connection == Connection.CONNECTED

    @property
    def is_standalone(self) -> bool:
        """Whether it has no connection and tries none: split, or told to."""
        return self.connection == Connection.STANDALONE

    @property
    def is_syncing(self) -> bool:
        """Whether the disks are being made the same."""
        return self.replication in _SYNCING

    @property
    def is_degraded(self) -> bool:
        """Whether the loss of either node would now lose something."""
        good = DiskState.UP_TO_DATE
        return not self.is_connected or self.disk != good or self.peer_disk != good

    @property
    def sync_percent(self) -> float | None:
        """How much is the same on both while it syncs; ``None`` when it does not."""
        if not self.is_syncing or not self.size:
            return None
        return max(0.0, min(100.0, 100.0 * (1 - self.out_of_sync / self.size)))


def parse_events(text: str) -> dict[int, DeviceState]:
    """All devices by minor, from the answer of ``events2 --now --statistics``.

    Raises:
        BlockDeviceError: it is not what DRBD prints.
    """
    kinds: dict[str, list[Mapping[str, str]]] = {}
    for line in text.splitlines():
        kind, values = _event(line)
        kinds.setdefault(kind, []).append(values)
    try:
        resources = {one["name"]: one for one in kinds.get("resource", ())}
        connections = {one["name"]: one for one in kinds.get("connection", ())}
        peers = {(one["name"], one["volume"]): one for one in kinds.get("peer-device", ())}
        found = [
            _device(
                one,
                resources[one["name"]],
                connections.get(one["name"], {}),
                peers.get((one["name"], one["volume"]), {}),
            )
            for one in kinds.get("device", ())
        ]
    except (KeyError, ValueError) as err:
        raise BlockDeviceError(f"drbdsetup events2: unexpected answer {text[:200]!r}") from err
    return {device.minor: device for device in found}


def _event(line: str) -> tuple[str, Mapping[str, str]]:
    """Kind and values of a line; of one that is not about an object an empty kind."""
    words = line.split()
    if len(words) < 2 or words[0] != "exists" or words[1] == "-":
        return "", {}
    pairs = (word.partition(":") for word in words[2:])
    return words[1], {key: value for key, _, value in pairs}


def _device(
    device: Mapping[str, str],
    resource: Mapping[str, str],
    connection: Mapping[str, str],
    peer: Mapping[str, str],
) -> DeviceState:
    return DeviceState(
        minor=int(device["minor"]),
        role=resource["role"],
        disk=device["disk"],
        size=int(device["size"]) * _KIB,
        # A resource that never had a peer has no connection at all with DRBD 9.
        connection=connection.get("connection", Connection.STANDALONE),
        replication=peer.get("replication", "Off"),
        peer_role=connection.get("role", Role.UNKNOWN),
        peer_disk=peer.get("peer-disk", DiskState.UNKNOWN),
        out_of_sync=int(peer.get("out-of-sync", "0")) * _KIB,
    )
