"""Where the fake hypervisor keeps its books: files as Ganeti's fake does, or memory."""

import os
from typing import Protocol

import msgspec

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.guests import GuestRole


class Record(msgspec.Struct, frozen=True):
    """A guest: memory in MiB, wall clock of its start, and how often it was reset.

    Attributes:
        nics: its NICs as UUID and MAC address.
        disks: UUIDs.
        role: what this copy of it is.
        started_with: memory in MiB, if it was given less since.
        ended: it was shut down from inside.
    """

    name: str
    memory: int
    vcpus: int
    started: float
    paused: bool = False
    resets: int = 0
    nics: tuple[tuple[str, str], ...] = ()
    disks: tuple[str, ...] = ()
    role: GuestRole = GuestRole.RUNNING
    ended: bool = False
    started_with: int = 0


class Records(Protocol):
    """The books: one record a running guest, durable for as long as guests are."""

    def names(self) -> list[str]:
        """All names, sorted."""
        ...

    def get(self, name: str) -> Record | None:
        """A record, if there is one."""
        ...

    def put(self, record: Record) -> None:
        """Add or replace a record."""
        ...

    def remove(self, name: str) -> None:
        """Remove a record; a missing one is fine."""
        ...


class MemoryRecords:
    """Books in memory, for simulated nodes.

    Attributes:
        stuck: names of guests that do not end.
    """

    def __init__(self) -> None:
        self.stuck: set[str] = set()
        self._records: dict[str, Record] = {}

    def names(self) -> list[str]:
        """See :class:`Records`."""
        return sorted(self._records)

    def get(self, name: str) -> Record | None:
        """See :class:`Records`."""
        return self._records.get(name)

    def put(self, record: Record) -> None:
        """See :class:`Records`."""
        self._records[record.name] = record

    def remove(self, name: str) -> None:
        """See :class:`Records`."""
        if name in self.stuck:
            raise HypervisorError(f"{name} does not end")
        self._records.pop(name, None)


class FileRecords:
    """Books below ``run/ganeti/fake-hypervisor``, a file a guest; on a memory file system."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def names(self) -> list[str]:
        """See :class:`Records`."""
        try:
            return sorted(name for name in os.listdir(self._directory) if ".new." not in name)
        except FileNotFoundError:
            return []

    def get(self, name: str) -> Record | None:
        """See :class:`Records`."""
        data = read_bytes(self._path(name))
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=Record)
        except msgspec.DecodeError as err:
            raise HypervisorError(f"{self._path(name)} is damaged: {err}") from err

    def put(self, record: Record) -> None:
        """See :class:`Records`."""
        os.makedirs(self._directory, 0o755, exist_ok=True)
        write_atomic(self._path(record.name), msgspec.json.encode(record), durable=False)

    def remove(self, name: str) -> None:
        """See :class:`Records`."""
        remove(self._path(name))

    def _path(self, name: str) -> str:
        if not name or "/" in name or name.startswith("."):
            raise HypervisorError(f"{name!r} is no name of an instance")
        return os.path.join(self._directory, name)
