"""The disk on which a guest's UEFI firmware keeps its variables. Blocking.

It begins with just what the firmware would have in a file, the store, and QEMU gets that part.
What is no store yet is overwritten with the firmware's template, its first block last: so a start
that is cut off leaves no store, and the next one does it again.

Source: UEFI Platform Initialization Specification, volume 3, firmware volume header;
docs/design/0012-firmware.md.
"""

import os
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk

from .firmware import Firmware

# Of the header: 16 bytes of zeroes, the kind as a GUID, the length, "_FVH".
_KIND: Final = slice(16, 32)
_LENGTH: Final = slice(32, 40)
_SIGNATURE: Final = slice(40, 44)
_HEADER: Final = 64
_BLOCK: Final = 4096


def prepare_store(disk: GuestDisk, firmware: Firmware) -> bool:
    """Begin a store on ``disk``, unless it has one; whether it was begun.

    Raises:
        HypervisorError: the store is of another firmware; the disk is too small or cannot be
            written; or the template is gone.
    """
    name = disk.spec.name
    if not disk.link:
        text = f"disk {name} has no block device on this node: it cannot have access=userspace"
        raise HypervisorError(text)
    template = read_bytes(firmware.template) or b""
    if len(template) != firmware.store_size or len(template) <= _BLOCK:
        raise HypervisorError(f"{firmware.template} is gone, or was changed meanwhile")
    try:
        fd = os.open(disk.link, os.O_RDWR | os.O_CLOEXEC)
        try:
            return _prepare(fd, str(name), template)
        finally:
            os.close(fd)
    except OSError as err:
        raise HypervisorError(f"disk {name}: {err.strerror}") from err


def _prepare(fd: int, name: str, template: bytes) -> bool:
    size = os.lseek(fd, 0, os.SEEK_END)
    if size < len(template):
        text = f"disk {name} has {size} bytes, the firmware keeps {len(template)}"
        raise HypervisorError(text)
    found = os.pread(fd, _HEADER, 0)
    if all(found[part] == template[part] for part in (_KIND, _SIGNATURE)):
        if found[_LENGTH] != template[_LENGTH]:
            had = int.from_bytes(found[_LENGTH], "little")
            wanted = int.from_bytes(template[_LENGTH], "little")
            text = f"disk {name} has the variables of another firmware: {had} bytes of them"
            raise HypervisorError(f"{text}, and not {wanted}")
        return False
    _write(fd, template[_BLOCK:], _BLOCK)
    os.fsync(fd)
    _write(fd, template[:_BLOCK], 0)
    os.fsync(fd)
    return True


def _write(fd: int, data: bytes, at: int) -> None:
    while data:
        done = os.pwrite(fd, data, at)
        data, at = data[done:], at + done
