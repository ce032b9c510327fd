"""The exports that a node keeps: a directory each, named by the instance. Blocking.

    EXPORT_DIR/NAME/config.ini, dumps      an export
    EXPORT_DIR/.NAME.new                   being made
    EXPORT_DIR/.NAME.old                   the one before, until the new one is settled
    EXPORT_DIR/.NAME.gone                  being removed

What is hidden is no export, for Ganeti neither. Source: docs/design/0010-backup.md.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pyganeti.kit.files import read_bytes, sync_directory
from pyganeti.model.errors import OpExecError

CONFIG: Final = "config.ini"
SUMS: Final = "SHA256SUMS"


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
        place = self._place(name)
        with _failing(f"export {name} cannot be removed"):
            # What is left of a removal that was cut off stands in the way of the name.
            _remove_tree(place.gone)
            for path in (place.new, place.old, place.final):
                self._discard(place, path)

    def begin(self, name: str) -> Callable[[str], str]:
        """Make an empty hidden directory for a new export; gives the path of a file in it.

        Raises:
            OpExecError: it cannot be made.
        """
        place = self._place(name)
        with _failing(f"export {name} cannot be begun"):
            _remove_tree(place.gone)
            _remove_tree(place.new)
            if os.path.lexists(place.final):
                self._discard(place, place.old)
            elif os.path.lexists(place.old):
                os.rename(place.old, place.final)
            os.mkdir(place.new, 0o700)
        return lambda file: os.path.join(place.new, _checked(file))

    def finish(self, name: str, files: Mapping[str, str], sizes: Mapping[str, int]) -> None:
        """Write ``files`` into the hidden directory and bring all that is in it to the disk.

        Args:
            name: of the export.
            files: contents by file name.
            sizes: bytes that the other files must have; a missing one of none is made.

        Raises:
            OpExecError: one has not; or something cannot be written.
        """
        new = self._place(name).new
        with _failing(f"export {name} cannot be completed"):
            for file, text in files.items():
                path = os.path.join(new, _checked(file))
                with open(path, "w", encoding="utf-8", opener=_private) as handle:
                    handle.write(text)
                _sync(path, None)
            for file, size in sizes.items():
                _sync(os.path.join(new, _checked(file)), size)
            sync_directory(new)

    def publish(self, name: str) -> None:
        """Give the hidden directory its name; the export that had it is hidden.

        Raises:
            OpExecError: there is none.
        """
        place = self._place(name)
        with _failing(f"export {name} cannot be published"):
            if not os.path.lexists(place.new) and os.path.lexists(place.old):
                return  # done before
            if os.path.lexists(place.final):
                os.rename(place.final, place.old)
            elif not os.path.lexists(place.old):
                os.mkdir(place.old)  # says that there was none
            os.rename(place.new, place.final)
            sync_directory(self._directory)

    def abandon(self, name: str) -> None:
        """Undo what was done to make an export, as long as it is not settled.

        Raises:
            OpExecError: something cannot be removed.
        """
        place = self._place(name)
        with _failing(f"what was made of export {name} cannot be removed"):
            if os.path.lexists(place.old):
                if not os.path.lexists(place.new) and os.path.lexists(place.final):
                    os.rename(place.final, place.new)
                if os.listdir(place.old):
                    os.rename(place.old, place.final)
                else:
                    os.rmdir(place.old)
                sync_directory(self._directory)
            _remove_tree(place.new)

    def settle(self, name: str) -> None:
        """Remove the export that was replaced.

        Raises:
            OpExecError: it cannot be removed.
        """
        place = self._place(name)
        with _failing(f"the older export {name} cannot be removed"):
            _remove_tree(place.gone)
            self._discard(place, place.old)

    def path(self, text: str) -> str:
        """The directory of an export, by name or by its path below the directory of exports.

        Raises:
            OpExecError: there is none, or it lies elsewhere.
        """
        top = os.path.realpath(self._directory)
        found = os.path.realpath(os.path.join(top, text))
        if not found.startswith(f"{top}/"):
            raise OpExecError(f"{text!r} is not below {self._directory}, where exports lie")
        if not os.path.isfile(f"{found}/{CONFIG}"):
            raise OpExecError(f"there is no export {text!r}: {found}/{CONFIG} is missing")
        return found

    def read(self, text: str) -> tuple[str, dict[str, int], dict[str, str]]:
        """An export's ``config.ini``, the sizes of its files, and checksums, if it has some.

        Raises:
            OpExecError: there is none, or it cannot be read.
        """
        directory = self.path(text)
        with _failing(f"export {text} cannot be read"):
            config = (read_bytes(f"{directory}/{CONFIG}") or b"").decode("utf-8", "replace")
            sums = (read_bytes(f"{directory}/{SUMS}") or b"").decode("utf-8", "replace")
            with os.scandir(directory) as entries:
                files = [one for one in entries if one.is_file(follow_symlinks=False)]
                sizes = {one.name: one.stat(follow_symlinks=False).st_size for one in files}
        pairs = (line.split("  ", 1) for line in sums.splitlines())
        return config, sizes, {pair[1]: pair[0] for pair in pairs if len(pair) == 2}

    def _discard(self, place: "_Place", path: str) -> None:
        """Hide what is at ``path`` as being removed, and remove it."""
        if os.path.lexists(path):
            os.rename(path, place.gone)
            sync_directory(self._directory)
            _remove_tree(place.gone)

    def _place(self, name: str) -> "_Place":
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise OpExecError(f"{name!r} is no name of an export")
        return _Place(self._directory, name)


class _Place:
    """Where the parts of an export lie."""

    def __init__(self, directory: str, name: str) -> None:
        self.final = os.path.join(directory, name)
        self.new, self.old, self.gone = (
            os.path.join(directory, f".{name}.{role}") for role in ("new", "old", "gone")
        )


@contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise OpExecError(f"{what}: {err.filename}: {err.strerror}") from err


def _checked(file: str) -> str:
    if not file or file.startswith(".") or "/" in file or "\0" in file:
        raise OpExecError(f"{file!r} is no name of a file in an export")
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(path: str, size: int | None) -> None:
    """Bring a file to the disk, which has ``size`` bytes where that is given."""
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | (0 if size else os.O_CREAT), 0o600)
    try:
        found = os.fstat(handle).st_size
        if size is not None and found != size:
            raise OpExecError(f"{path} has {found} bytes, {size} were sent")
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_tree(path: str) -> None:
    """Remove a directory with all that is in it; a link is not followed, a missing one is fine."""
    if os.path.islink(path):
        os.unlink(path)
    elif os.path.lexists(path):
        shutil.rmtree(path)
