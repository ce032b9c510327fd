"""The image: opened or fetched, compared with its checksums, and looked at before it is used.

Its format is what the user says. An image that is of another format than that is refused: as a raw
disk it would be of no use, and nobody may find out what it is by trying.
"""

import hashlib
import os
import shutil
import stat
import struct
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from errors import Refused
from settings import Settings

_BLOCK = 1 << 20
_TIMEOUT_S = 60
# Directory for what is fetched; /tmp may be memory.
_SCRATCH = "/var/tmp"
_QCOW2 = b"QFI\xfb"
# What no raw disk begins with, and what that is.
_FORMATS = {
    _QCOW2: "a qcow2 image",
    b"KDMV": "a VMDK image",
    b"vhdxfile": "a VHDX image",
    b"conectix": "a VHD image",
    b"QED\0": "a QED image",
    b"\x1f\x8b": "compressed by gzip",
    b"\xfd7zXZ\0": "compressed by xz",
    b"BZh": "compressed by bzip2",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PK\3\4": "a ZIP archive",
}
# Incompatible features: an unclean end (bit 0), other compression (3), finer maps (4).
_HARMLESS = 0b11001
_EXTERNAL_DATA, _CORRUPT = 1 << 2, 1 << 1


@contextmanager
def opened(settings: Settings) -> Iterator[BinaryIO]:
    """The image, with the right checksums.

    Raises:
        Refused: it is not there, no file, or has other checksums.
    """
    if settings.is_remote:
        with _fetched(settings.image) as image:
            _compare(image, settings)
            yield image
        return
    try:
        # A pipe would let us wait for whoever writes to it.
        fd = os.open(settings.image, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as err:
        raise Refused(f"image {settings.image}: {err.strerror}") from err
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(f"image {settings.image} is no file")
    with open(fd, "rb") as image:
        _compare(image, settings)
        yield image


@contextmanager
def _fetched(address: str) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile(dir=_SCRATCH) as file:
        try:
            with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:
                _check_room(int(answer.headers.get("Content-Length") or 0))
                shutil.copyfileobj(answer, file, _BLOCK)
        except (urllib.error.URLError, OSError, ValueError) as err:
            # Not the address: it may hold a password.
            raise Refused(f"the image could not be fetched: {err}") from err
        file.flush()
        yield file


def _check_room(size: int) -> None:
    free = shutil.disk_usage(_SCRATCH).free
    if size > free:
        raise Refused(f"the image has {size} bytes, in {_SCRATCH} {free} are free")


def _compare(image: BinaryIO, settings: Settings) -> None:
    for name, wanted in settings.checksums.items():
        image.seek(0)
        found = hashlib.new(name)
        while block := image.read(_BLOCK):
            found.update(block)
        if found.hexdigest() != wanted:
            raise Refused(f"the image has the {name} {found.hexdigest()}, expected {wanted}")


def check_format(image: BinaryIO, kind: str) -> int:
    """Refuse an image that is not what the user says; the size of its disk in bytes.

    Raises:
        Refused: says what it is.
    """
    image.seek(0)
    header = image.read(104)
    if kind == "qcow2":
        return _qcow2_size(header)
    for magic, what in _FORMATS.items():
        if header.startswith(magic):
            raise Refused(f"the image is {what}, but its format is said to be raw")
    size = image.seek(0, os.SEEK_END)
    if not size:
        raise Refused("the image is empty")
    return size


def _qcow2_size(header: bytes) -> int:
    if not header.startswith(_QCOW2) or len(header) < 72:
        raise Refused("the image is no qcow2 image, as its format says")
    version, backing, backing_size = struct.unpack_from(">IQI", header, 4)
    (size, encryption) = struct.unpack_from(">QI", header, 24)
    if version not in (2, 3):
        raise Refused(f"the image is of version {version} of qcow2, expected 2 or 3")
    # Any of these would let an image read files of the node.
    if backing or backing_size:
        raise Refused("the image is based on another one, which is not installed")
    if encryption:
        raise Refused("the image is encrypted")
    features = struct.unpack_from(">Q", header, 72)[0] if version == 3 and len(header) >= 80 else 0
    if features & _EXTERNAL_DATA:
        raise Refused("the image keeps its data in another file, which is not installed")
    if features & _CORRUPT:
        raise Refused("the image is marked as corrupt")
    if features & ~_HARMLESS:
        raise Refused(f"the image has features that are not known ({features:#x})")
    if not size:
        raise Refused("the disk in the image is empty")
    return int(size)
