"""The exports that a node keeps: a directory each, named by the instance. Blocking.

    EXPORT_DIR/NAME/config.ini, dumps      an export
    EXPORT_DIR/.NAME.*                     what is none: not listed, by Ganeti neither

Source: docs/design/0010-backup.md.
"""

import os
import shutil

from pyganeti.kit.files import sync_directory
from pyganeti.model.errors import OpExecError

_GONE = "gone"


class ExportStore:
    """The directory of exports.

    Args:
        directory: where they lie.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def names(self) -> tuple[str, ...]:
        """What lies there and is not hidden, sorted.

        Raises:
            OpExecError: it cannot be read.
        """
        try:
            names = os.listdir(self._directory)
        except OSError as err:
            text = f"no exports can be listed: {self._directory}: {err.strerror}"
            raise OpExecError(text) from err
        return tuple(sorted(name for name in names if not name.startswith(".")))

    def remove(self, name: str) -> None:
        """Remove an export; a missing one is a success.

        It is hidden before the first file goes, so that half of one is never seen.

        Raises:
            OpExecError: the name is none, or something cannot be removed.
        """
        gone = self._hidden(name, _GONE)
        try:
            # What is left of a removal that was cut off stands in the way of the name.
            _remove_tree(gone)
            if os.path.lexists(self._path(name)):
                os.rename(self._path(name), gone)
                sync_directory(self._directory)
                _remove_tree(gone)
        except OSError as err:
            text = f"export {name} cannot be removed: {err.filename}: {err.strerror}"
            raise OpExecError(text) from err

    def _path(self, name: str) -> str:
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise OpExecError(f"{name!r} is no name of an export")
        return os.path.join(self._directory, name)

    def _hidden(self, name: str, role: str) -> str:
        directory, base = os.path.split(self._path(name))
        return os.path.join(directory, f".{base}.{role}")


def _remove_tree(path: str) -> None:
    """Remove a directory with all that is in it; a link is not followed, a missing one is fine."""
    if os.path.islink(path):
        os.unlink(path)
    elif os.path.lexists(path):
        shutil.rmtree(path)
