"""The content of a disk on its way to another disk, here or on another node.

    blocks ── compared by checksums, where something may be there already ── ends

Nothing is sent for what is the same, so a copy that was begun before costs reading only, and an
image that is zeroes stays sparse.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.call import NodeClient
from pyganeti.wire.noderpc.copying import BlockSumsCall, BlockWriteCall, Copied
from pyganeti.wire.noderpc.transfer import RemoteFile

from .copying import patiently
from .packing import pack
from .storage.blocks import Blocks

PIECE: Final = 1 << 20
"""What is compared at a time."""
_STEP: Final = 8 * PIECE
_ZEROES: Final = bytes(PIECE)
# As the checksum of nothing but zeroes, which are found much faster than they are summed up.
_OF_ZEROES: Final = b""

Progress = Callable[[int], None]


class End(Protocol):
    """Where a copy goes."""

    async def sums(self, offset: int, size: int) -> Sequence[bytes]:
        """Checksums of the pieces that are there."""
        ...

    async def write(self, offset: int, data: bytes) -> None:
        """Put ``data`` there."""
        ...


class LocalEnd:
    """A disk of this node.

    Args:
        blocks: contents of disks.
        path: which.
    """

    def __init__(self, blocks: Blocks, path: str) -> None:
        self._blocks = blocks
        self._path = path

    async def sums(self, offset: int, size: int) -> Sequence[bytes]:
        """See :class:`End`."""
        return await sums(self._blocks, self._path, offset, size)

    async def write(self, offset: int, data: bytes) -> None:
        """See :class:`End`."""
        await self._blocks.write(self._path, offset, data)


class RemoteEnd:
    """A disk of a transfer that is open on another node, which may be away for a while.

    Args:
        file: which.
        client: calls the node.
        runner: runs compression programs.
        clock: for pauses.
    """

    def __init__(self, file: RemoteFile, client: NodeClient, runner: Runner, clock: Clock) -> None:
        self._file = file
        self._client = client
        self._runner = runner
        self._clock = clock

    async def sums(self, offset: int, size: int) -> Sequence[bytes]:
        """See :class:`End`."""
        file = self._file
        call = BlockSumsCall(transfer=file.transfer, file=file.name, offset=offset, size=size)
        return await patiently(self._client, file.node, call, self._clock)

    async def write(self, offset: int, data: bytes) -> None:
        """See :class:`End`."""
        file = self._file
        call = BlockWriteCall(
            transfer=file.transfer,
            file=file.name,
            offset=offset,
            data=await pack(file.compress, data, self._runner),
            compress=file.compress,
        )
        await patiently(self._client, file.node, call, self._clock)


async def copy_content(
    blocks: Blocks, path: str, end: End, *, compare: bool, progress: Progress
) -> Copied:
    """Copy what is on the disk at ``path``, which nobody writes to, to ``end``.

    Args:
        blocks: contents of disks.
        path: what is read.
        end: what is written.
        compare: write only what differs there.
        progress: told how many bytes are done.

    Raises:
        OpExecError: it does not fit, or the other node refuses.
        GenericError: the other node is away too long.
    """
    size = await blocks.size(path)
    written = 0
    for offset in range(0, size, _STEP):
        data = await blocks.read(path, offset, min(_STEP, size - offset))
        if len(data) < min(_STEP, size - offset):
            raise OpExecError(f"{path} has ended after {offset + len(data)} of {size} bytes")
        there = await end.sums(offset, len(data)) if compare else ()
        for start, stop in await in_thread(_different, data, there):
            await end.write(offset + start, data[start:stop])
            written += stop - start
        progress(offset + len(data))
    return Copied(size=size, written=written)


async def clear_beyond(blocks: Blocks, path: str, size: int) -> None:
    """Make zeroes of what a disk has beyond ``size`` bytes: volumes come in larger units."""
    end = await blocks.size(path)
    for offset in range(size, end, PIECE):
        await blocks.write(path, offset, _ZEROES[: min(PIECE, end - offset)])


async def sums(blocks: Blocks, path: str, offset: int, size: int) -> tuple[bytes, ...]:
    """Checksums of the pieces of a disk from ``offset``; none beyond its end."""
    if not 0 < size <= _STEP:
        raise OpExecError(f"{size} bytes cannot be compared at once, the limit is {_STEP}")
    return await in_thread(_sums, await blocks.read(path, offset, size))


def _sums(data: bytes) -> tuple[bytes, ...]:
    view = memoryview(data)
    return tuple(_sum(view[start : start + PIECE]) for start in range(0, len(data), PIECE))


def _sum(piece: memoryview) -> bytes:
    if piece == _ZEROES[: len(piece)]:
        return _OF_ZEROES
    return hashlib.sha256(piece).digest()


def _different(data: bytes, there: Sequence[bytes]) -> list[tuple[int, int]]:
    """Ranges of ``data`` whose pieces are not ``there``, neighbours joined."""
    found: list[tuple[int, int]] = []
    for number, mine in enumerate(_sums(data) if there else ()):
        start, stop = number * PIECE, min(len(data), (number + 1) * PIECE)
        if number < len(there) and there[number] == mine:
            continue
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, stop))
    return found if there else [(0, len(data))]
