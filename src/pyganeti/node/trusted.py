"""Whether a program is the node's administrator's alone: what noded, as root, may run by its name.

Hooks and restricted commands are looked at before each run. Blocking.
Source: docs/security.md.
"""

import os
import stat
from collections.abc import Callable


def find_flaw(path: str, owner: int) -> str | None:
    """Why the program ``path`` is not trusted; ``None`` if it is.

    Links are followed: what counts is who can change what is run. So the file, the directory that
    it is found in, the one above, and the one that it really lies in, must be ``owner``'s and
    nobody else's.
    """
    place, real = os.path.dirname(path), os.path.realpath(path)
    for directory in dict.fromkeys((os.path.dirname(place), place, os.path.dirname(real))):
        flaw = _flaw(directory, stat.S_ISDIR, "directory", owner)
        if flaw is not None:
            return flaw
    return _flaw(real, stat.S_ISREG, "file", owner)


def _flaw(path: str, is_kind: Callable[[int], bool], kind: str, owner: int) -> str | None:
    try:
        found = os.stat(path)
    except OSError as err:
        return f"{path}: {err.strerror}"
    if not is_kind(found.st_mode):
        return f"{path} is no {kind}"
    if found.st_uid != owner:
        return f"{path} belongs to user {found.st_uid}, not {owner}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be changed by others"
    return None
