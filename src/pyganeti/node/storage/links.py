"""Stable names of an instance's disks: ``run/ganeti/instance-disks/NAME:INDEX``.

Guests are started with these names, so that what is behind one may move. Source: COMPAT, layout.
"""

import os
from contextlib import suppress

from pyganeti.model.errors import BlockDeviceError


class DiskLinks:
    """The directory of links. It is on a memory file system: no threads."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def path(self, instance: str, index: int) -> str:
        """Where the link of a disk is, or would be."""
        return os.path.join(self._directory, f"{instance}:{index}")

    def make(self, instance: str, index: int, target: str) -> str:
        """Point the link of a disk to ``target``, atomically; returns its path.

        Raises:
            BlockDeviceError: it cannot be made.
        """
        path = self.path(instance, index)
        temp = f"{path}.new"
        try:
            os.makedirs(self._directory, 0o755, exist_ok=True)
            if os.path.islink(path) and os.readlink(path) == target:
                return path
            with suppress(FileNotFoundError):
                os.unlink(temp)
            os.symlink(target, temp)
            os.rename(temp, path)
        except OSError as err:
            raise BlockDeviceError(f"link {path}: {err.strerror}") from err
        return path

    def remove(self, instance: str, index: int) -> None:
        """Remove the link of a disk; a missing one is fine."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(instance, index))

    def trim(self, instance: str, count: int) -> None:
        """Remove the links of disks that an instance with ``count`` disks has not any more."""
        while os.path.islink(path := self.path(instance, count)):
            os.unlink(path)
            count += 1
