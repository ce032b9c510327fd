"""Which directories may hold disks: the file ``file-storage-paths``, one directory a line.

A node's administrator writes it; the master cannot. Source: gnt-cluster(8), file storage.
"""

import os
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import FileStoragePathError

# Neither these, nor anything directly in them, may be opened to disks.
FORBIDDEN: Final = frozenset(
    {
        "/",
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/home",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/proc",
        "/root",
        "/run",
        "/sbin",
        "/sys",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libx32",
        "/usr/local",
        "/usr/local/bin",
        "/usr/local/lib",
        "/usr/local/sbin",
        "/usr/sbin",
        "/var",
    }
)
# Directories whose whole content is the system's.
_SYSTEM: Final = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/sbin", "/sys", "/usr")


def is_forbidden(path: str) -> bool:
    """Whether ``path`` must not be opened to disks, whatever the whitelist says."""
    return path in FORBIDDEN or any(path.startswith(f"{top}/") for top in _SYSTEM)


def parse(text: str) -> tuple[str, ...]:
    """Directories of a whitelist, in file order; blank lines and comments are dropped."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line.rstrip("/") or "/" for line in lines if line and not line.startswith("#"))


class Whitelist:
    """The whitelist of a node, read at each use so that an edit counts at once."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def allowed(self) -> tuple[str, ...]:
        """The whitelist as written."""
        return parse((read_bytes(self._paths.file_storage_paths) or b"").decode("utf-8", "replace"))

    def forbidden(self) -> tuple[str, ...]:
        """Entries of the whitelist that must not be there."""
        return tuple(path for path in self.allowed() if self._is_unfit(path))

    def _is_unfit(self, path: str) -> bool:
        if not os.path.isabs(path) or os.path.normpath(path) != path:
            return True
        root = self._paths.rootdir
        return is_forbidden(path.removeprefix(root) if path.startswith(f"{root}/") else path)

    def local(self, path: str) -> str:
        """Where ``path`` lies on this node: a virtual node's root is put in front."""
        root = self._paths.rootdir
        return path if not root or path.startswith(f"{root}/") else root + path

    def check(self, path: str) -> str:
        """Where ``path`` lies on this node, if disks may lie there.

        Raises:
            FileStoragePathError: it is not below an allowed directory, links resolved.
        """
        local = self.local(path)
        if not os.path.isabs(path) or os.path.normpath(local) != local:
            raise FileStoragePathError(f"{path!r} is not a normalized absolute path")
        real = os.path.realpath(local)
        for directory in self.allowed():
            if self._is_unfit(directory):
                continue
            place = self.local(directory)
            if local.startswith(f"{place}/") and real.startswith(f"{os.path.realpath(place)}/"):
                return local
        raise FileStoragePathError(
            f"{path} is not below a directory that {self._paths.file_storage_paths} allows"
        )
