"""A small image that a helper boots to run an untrusted script: docs/design/0018-untrusted-os.md.

    sector 0: a boot loader | the kernel's real-mode part and command line | kernel | RAM disk

Kernel and RAM disk are the micro guest's; a program of ours is put behind the latter. The loader
takes 32 KiB at a time: the first two pieces to 64 KiB, then the kernel to 1 MiB and the RAM disk
to 128 MiB, so a guest needs some more memory than that.

Source: Linux, Documentation/arch/x86/boot.rst.
"""

import struct
from pathlib import Path
from typing import Final

from pyganeti.model.communication import HELPER_IP, SERVICE_IP
from tests.e2e.prepare import BOOT

MEMORY: Final = "192m"
_PIECE: Final = 64 * 512
_RAM_DISK_AT: Final = 128 << 20
_LOW_AT: Final = 0x10000
_COMMAND_LINE_AT: Final = 0xF000
# On a busy machine an emulated timer may seem not to work, and the kernel would panic.
_COMMAND_LINE: Final = b"rdinit=/helper console=ttyS0 quiet panic=1 no_timer_check\0"
_CODE: Final = bytes.fromhex(
    "31c0 8ed8 8ec0 8ed0 bc007c"  # ax = ds = es = ss = 0, sp = 0x7c00
    "8816d07c"  # the drive is kept
    "e86b00 c606c77c18 e86300 c606c77c20"  # read a piece; then to 0x18000, then to 0x20000
    "e85b00 66a1307d a31a7d 66c1e810 a21c7d 88261f7d"  # next: read; where it belongs
    "be007d b90040 b487 cd15 7251"  # int 15h, 87h: move it there
    "668106307d00800000 ff0e387d 75d0"  # 32 KiB further; until all pieces are there
    "66a1347d 66a3307d a13a7d a3387d c7063a7d0000 09c0 75b8"  # then the second part
    "fa b80010 8ed8 8ec0 8ee0 8ee8 8ed0 bc00e0 ea00002010"  # Linux, at 0x1020:0
    "be c07c 8a16d07c b442 cd13 7207 668306c87c40 c3"  # read: int 13h, 42h; 64 sectors further
    "f4 ebfd"  # stop
)
_SEGMENT: Final = "<HHBBH"


def _boot_sector(kernel: int, ram_disk: int) -> bytes:
    packet = struct.pack("<BBHHHQB", 0x10, 0, 64, 0, _LOW_AT >> 4, 1, 0)
    source = struct.pack(_SEGMENT, 0xFFFF, 0, 2, 0x93, 0)
    target = struct.pack(_SEGMENT, 0xFFFF, 0, 0, 0x93, 0)
    table = bytes(16) + source + target + bytes(16)
    parts = struct.pack("<IIHH", 1 << 20, _RAM_DISK_AT, kernel, ram_disk)
    sector = _CODE.ljust(0xC0, b"\0") + packet
    sector = sector.ljust(0x100, b"\0") + table + parts
    return sector.ljust(510, b"\0") + b"\x55\xaa"


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _PIECE)


def _low(setup: bytes, ram_disk: int) -> bytes:
    """What Linux expects at 64 KiB: its own first sectors, filled in, and its command line."""
    low = bytearray(setup.ljust(2 * _PIECE, b"\0"))
    low[0x210] = 0xFF  # a loader without a number
    low[0x211] |= 0x80  # there is a heap, up to:
    struct.pack_into("<H", low, 0x224, 0xDE00)
    struct.pack_into("<II", low, 0x218, _RAM_DISK_AT, ram_disk)
    struct.pack_into("<I", low, 0x228, _LOW_AT + _COMMAND_LINE_AT)
    low[_COMMAND_LINE_AT : _COMMAND_LINE_AT + len(_COMMAND_LINE)] = _COMMAND_LINE
    return bytes(low)


def _archive(name: str, content: bytes) -> bytes:
    """A cpio archive of one program, to stand behind another one."""
    found = b""
    for number, (path, mode, data) in enumerate(
        ((name, 0o100755, content), ("TRAILER!!!", 0, b""))
    ):
        word = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(word), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + word
        found += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return found


def _program() -> bytes:
    text = Path(__file__).parent.joinpath("helper-init").read_text()
    return text.replace("@HELPER@", HELPER_IP).replace("@SERVICE@", SERVICE_IP).encode()


def write_install_image(path: Path) -> None:
    """Make the image."""
    kernel = (BOOT / "vmlinuz").read_bytes()
    border = (kernel[0x1F1] + 1) * 512
    ram_disk = (BOOT / "initrd").read_bytes()
    ram_disk += bytes(-len(ram_disk) % 512) + _archive("helper", _program())
    parts = [_padded(kernel[border:]), _padded(ram_disk)]
    counts = [len(part) // _PIECE for part in parts]
    low = _low(kernel[:border], len(ram_disk))
    path.write_bytes(b"".join((_boot_sector(*counts), low, *parts)))
