"""Dumps of disks that no OS definition knows: their bytes, as they are.

Of what a guest's machine remembers, see docs/design/0012-firmware.md. A dump is as long as the disk
was asked for, whatever its storage made of that.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyganeti.model.errors import OpExecError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.pipes import PIECE, Give, Take
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.blocks import Blocks


async def dump(blocks: Blocks, device: GuestDisk, take: Take) -> None:
    """Hand on all bytes of ``device``, under the path that is its own.

    Raises:
        OpExecError: it cannot be read, or is too short.
    """
    size, done = device.spec.size * MIB, 0
    with _failing(device):
        while done < size:
            piece = await blocks.read(device.link, done, min(PIECE, size - done))
            if not piece:
                raise OpExecError(f"{device.spec.iv_name} ends after {done} bytes")
            await take(piece)
            done += len(piece)


async def restore(blocks: Blocks, device: GuestDisk, give: Give) -> None:
    """Overwrite the beginning of ``device`` with what ``give`` returns until that is nothing.

    Raises:
        OpExecError: it cannot be written, or is too small.
    """
    done = 0
    with _failing(device):
        try:
            while piece := await give():
                await blocks.write(device.link, done, piece)
                done += len(piece)
            await blocks.sync(device.link)
        finally:
            await blocks.release(device.link)


@contextmanager
def _failing(device: GuestDisk) -> Iterator[None]:
    name = device.spec.iv_name
    if not device.link:
        text = "has no block device on this node: it cannot have access=userspace"
        raise OpExecError(f"{name} {text}")
    try:
        yield
    except OSError as err:
        raise OpExecError(f"{name}: {device.link}: {err.strerror}") from err
