"""What scripts attached on this node, so that looking at a volume runs none.

A file a volume, below ``run/ganeti/extstorage``, which a boot empties: then nothing is attached.
A volume may be attached and not on record, when the daemon was killed in between; attaching it
again puts that right, and detaching it does no harm.
"""

import os
from dataclasses import dataclass

import msgspec

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.model.errors import StorageError


class Attachment(msgspec.Struct, frozen=True):
    """How a volume can be reached.

    Attributes:
        path: its block device; empty where there is none.
        uris: by hypervisor.
        opened: whether it was opened, and then whether exclusively.
    """

    path: str
    uris: dict[str, str]
    opened: bool | None = None


@dataclass(frozen=True, slots=True)
class Attachments:
    """The directory of records. Its files are small and on a memory file system: no threads."""

    directory: str

    def get(self, place: tuple[str, str]) -> Attachment | None:
        """What is on record of a volume."""
        try:
            data = read_bytes(self._path(place))
            return None if data is None else msgspec.json.decode(data, type=Attachment)
        except (OSError, msgspec.DecodeError):
            # Cut off by a crash: then its attaching was not answered either.
            return None

    def put(self, place: tuple[str, str], attachment: Attachment) -> None:
        """Note how a volume can be reached.

        Raises:
            StorageError: it cannot be noted.
        """
        path = self._path(place)
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            write_atomic(path, msgspec.json.encode(attachment), durable=False)
        except OSError as err:
            raise StorageError(f"{path}: {err.strerror}") from err

    def forget(self, place: tuple[str, str]) -> None:
        """A volume is not attached any more."""
        remove(self._path(place))

    def holder(self, device: str) -> tuple[str, str] | None:
        """The volume that is on record as attached to ``device``."""
        for provider in _names(self.directory):
            for volume in _names(os.path.join(self.directory, provider)):
                found = self.get((provider, volume))
                if found is not None and found.path == device:
                    return provider, volume
        return None

    def _path(self, place: tuple[str, str]) -> str:
        return os.path.join(self.directory, *place)


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []


def parse_attached(text: str) -> Attachment:
    """Read what the script ``attach`` said: a device or an empty line, then URIs.

    Raises:
        StorageError: it is not that.
    """
    first, *more = text.splitlines() or [""]
    path, uris = first.strip(), {}
    if path and (not os.path.isabs(path) or not path.isprintable()):
        raise StorageError(f"it printed {first[:200]!r}, which is no path of a device")
    for line in filter(None, map(str.strip, more)):
        hypervisor, _, uri = line.partition(":")
        if not uri or not hypervisor.isalpha() or not line.isprintable():
            raise StorageError(f"it printed {line[:200]!r} where HYPERVISOR:URI belongs")
        uris[hypervisor] = uri
    if not path and not uris:
        raise StorageError("it printed neither a block device nor a URI")
    return Attachment(os.path.normpath(path) if path else "", uris)
