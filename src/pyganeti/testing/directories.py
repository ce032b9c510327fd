"""Directories of simulated clusters, in memory where there is room: fsync was a third of a run."""

import os
import shutil
import tempfile
import weakref
from typing import Final

_MEMORY: Final = "/dev/shm"  # noqa: S108  # only for names that mkdtemp makes
_ENOUGH: Final = 512 << 20


def directory_of(owner: object, prefix: str) -> str:
    """A new directory that goes with ``owner``."""
    made = tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if _has_room() else None)
    weakref.finalize(owner, shutil.rmtree, made, ignore_errors=True)
    return made


def _has_room() -> bool:
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    return os.access(_MEMORY, os.W_OK) and found.f_bavail * found.f_frsize >= _ENOUGH
