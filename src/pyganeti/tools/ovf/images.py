"""Images of disks: what they are, and in another format. By qemu-img.

A package comes from anywhere, and an image can name other files whose contents it shows: one that
does is refused.
"""

import gzip
import os
import shutil
import zlib
from typing import Any, Final

import msgspec

from pyganeti.kit.process import Command, ProcessError, run_blocking

from .package import OvfError

_QEMU_IMG: Final = "qemu-img"
# A disk of terabytes takes hours.
_TIMEOUT_S: Final = 7 * 24 * 3600.0
# What qemu-img calls our formats, and what it is told of them.
_NAMES: Final = {"raw": "raw", "cow": "qcow2", "vmdk": "vmdk"}
_DETAILS: Final = {"vmdk": ("-o", "subformat=streamOptimized")}


def _run(*words: str) -> str:
    try:
        return run_blocking(Command((_QEMU_IMG, *words), timeout_s=_TIMEOUT_S)).stdout
    except ProcessError as err:
        said = err.finished.stderr.strip().splitlines() if err.finished else []
        raise OvfError(said[-1] if said else str(err)) from err


def size(path: str, kind: str | None) -> tuple[str, int]:
    """Format, as qemu-img calls it, and size in bytes of a disk.

    Args:
        path: of the image.
        kind: its format, a key of :data:`~.package.FORMATS`, where that is known.

    Raises:
        OvfError: it is none, or shows what stands in other files.
    """
    given = ("-f", _NAMES[kind]) if kind else ()
    # Any: what qemu-img answers.
    found: dict[str, Any] = msgspec.json.decode(_run("info", "--output=json", *given, path))
    for other in _others(found):
        if os.path.realpath(other) != os.path.realpath(path):
            raise OvfError(f"{os.path.basename(path)} shows what stands in another file: {other}")
    return found["format"], found["virtual-size"]


def _others(found: dict[str, Any]) -> list[str]:
    """Files that an image names."""
    data = found.get("format-specific", {}).get("data", {})
    names = [found.get("backing-filename"), data.get("data-file")]
    names += [extent.get("filename") for extent in data.get("extents", ())]
    return [name for name in names if name]


def convert(path: str, kind: str, to: str, into: str) -> None:
    """Write a disk in another format.

    Args:
        path: the image there is.
        kind: its format, as qemu-img calls it.
        to: the new format, a key of :data:`~.package.FORMATS`.
        into: the new image, which does not exist.

    Raises:
        OvfError: it could not be; there is no new image.
    """
    try:
        _run("convert", "-f", kind, "-O", _NAMES[to], *_DETAILS.get(to, ()), path, into)
    except OvfError:
        if os.path.exists(into):
            os.unlink(into)
        raise


def compress(path: str, into: str) -> None:
    """Write a gzip file with the contents of ``path``."""
    with open(path, "rb") as source, gzip.open(into, "xb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def decompress(path: str, into: str) -> None:
    """Write what a gzip file holds.

    Raises:
        OvfError: it is none, or damaged.
    """
    try:
        with gzip.open(path, "rb") as source, open(into, "xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as err:
        raise OvfError(f"{os.path.basename(path)} is no whole gzip file: {err}") from err
