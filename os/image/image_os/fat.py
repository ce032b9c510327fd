"""A small FAT16 file system with a few files in its root directory, as bytes.

cloud-init takes its seed from nothing but FAT and ISO 9660. Made by hand because it is small,
always the same for the same files, and because what is ready-made costs more: mkfs.fat and mcopy
are two packages more on each node, genisoimage is not developed any more and wants the secrets in
files, as xorriso does; pycdlib would be the scripts' only library, pyfatfs is in no Debian and
rests on one that nobody keeps. Tests let fsck.fat and mtools read what comes out. Source:
Microsoft's FAT specification.
"""

import struct
from collections.abc import Mapping

from errors import Refused

_SECTOR = 512
SECTORS = 16384  # with clusters of a sector, so many make it FAT16 and nothing else
SIZE = SECTORS * _SECTOR
_FAT_SECTORS = 64
_ROOT_ENTRIES = 512
_DATA = 1 + 2 * _FAT_SECTORS + _ROOT_ENTRIES * 32 // _SECTOR
_CLUSTERS = SECTORS - _DATA
_END = 0xFFFF
_LONG, _VOLUME, _FILE = 0x0F, 0x08, 0x20
_LONG_PART = 13
# 1 January 1980: the oldest there is, so that the same files make the same bytes.
_DATE = 0x21


def file_system(label: str, files: Mapping[str, bytes]) -> bytes:
    """The file system; what comes after it on its disk does not count.

    Raises:
        Refused: the files are too large for it.
    """
    table, root, data = [0xFFF8, _END], [_entry(label.ljust(11).encode("ascii"), _VOLUME)], b""
    for number, (name, content) in enumerate(files.items()):
        clusters = -(-len(content) // _SECTOR)
        first = len(table) if clusters else 0
        table += [len(table) + index + 1 for index in range(clusters)]
        if clusters:
            table[-1] = _END
        data += content.ljust(clusters * _SECTOR, b"\0")
        short = f"SEED~{number}".ljust(11).encode("ascii")
        root += [*_long_entries(name, short), _entry(short, _FILE, first, len(content))]
    if len(table) > _CLUSTERS:
        raise Refused(f"the seed has more than {_CLUSTERS * _SECTOR} bytes, which do not fit")
    fat = struct.pack(f"<{len(table)}H", *table).ljust(_FAT_SECTORS * _SECTOR, b"\0")
    return _boot_sector(label) + fat + fat + b"".join(root).ljust(_ROOT_ENTRIES * 32, b"\0") + data


def _boot_sector(label: str) -> bytes:
    parameters = struct.pack(
        "<3s8sHBHBHHBHHHII",
        b"\xeb\x3c\x90", b"MSWIN4.1", _SECTOR, 1, 1, 2, _ROOT_ENTRIES, SECTORS, 0xF8,
        _FAT_SECTORS, 63, 255, 0, 0,
    )  # fmt: skip
    more = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x5EED, label.ljust(11).encode(), b"FAT16   ")
    return (parameters + more).ljust(510, b"\0") + b"\x55\xaa"


def _entry(short: bytes, attributes: int, first: int = 0, size: int = 0) -> bytes:
    dates = struct.pack("<BBHHHHHH", 0, 0, 0, _DATE, _DATE, 0, 0, _DATE)
    return short + bytes((attributes,)) + dates + struct.pack("<HI", first, size)


def _long_entries(name: str, short: bytes) -> list[bytes]:
    """The name as it is written, in entries that come before the short one, the last part first."""
    units = list(struct.unpack(f"<{len(name)}H", name.encode("utf-16-le")))
    if len(units) % _LONG_PART:
        units.append(0)
    units += [_END] * (-len(units) % _LONG_PART)
    parts = [units[at : at + _LONG_PART] for at in range(0, len(units), _LONG_PART)]
    found = []
    for number, part in reversed(list(enumerate(parts, 1))):
        last = 0x40 if number == len(parts) else 0
        begin = struct.pack("<B5H", number | last, *part[:5])
        middle = struct.pack("<BBB6H", _LONG, 0, _sum(short), *part[5:11])
        found.append(begin + middle + struct.pack("<H2H", 0, *part[11:]))
    return found


def _sum(short: bytes) -> int:
    found = 0
    for byte in short:
        found = ((found & 1) << 7) + (found >> 1) + byte & 0xFF
    return found
