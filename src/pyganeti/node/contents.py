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
from pyganeti.kit.together import together
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
    data = await _step(blocks, path, 0, size)
    for offset in range(0, size, _STEP):
        ahead = _step(blocks, path, offset + _STEP, size)
        done = offset + len(data)
        more, data = await together(_put(end, offset, data, compare=compare), ahead)
        written += more
        progress(done)
    return Copied(size=size, written=written)


async def _put(end: End, offset: int, data: bytes, *, compare: bool) -> int:
    """Write what differs of ``data`` to ``end``; how many bytes that was."""
    there = await end.sums(offset, len(data)) if compare else ()
    ranges = await in_thread(_different, data, there)
    for start, stop in ranges:
        await end.write(offset + start, data[start:stop])
    return sum(stop - start for start, stop in ranges)


async def _step(blocks: Blocks, path: str, offset: int, size: int) -> bytes:
    """What is read at a time of a disk of ``size`` bytes; nothing beyond its end."""
    wanted = max(0, min(_STEP, size - offset))
    data = await blocks.read(path, offset, wanted) if wanted else b""
    if len(data) < wanted:
        raise OpExecError(f"{path} has ended after {offset + len(data)} of {size} bytes")
    return data


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
    return tuple(
        _OF_ZEROES if _is_zeroes(piece) else hashlib.sha256(piece).digest()
        for piece in (data[start : start + PIECE] for start in range(0, len(data), PIECE))
    )


def _is_zeroes(piece: bytes) -> bool:
    return piece == (_ZEROES if len(piece) == PIECE else _ZEROES[: len(piece)])


def _is_there(piece: bytes, known: bytes) -> bool:
    """Whether ``known`` is the checksum of ``piece``; where zeroes are, none is needed."""
    if known == _OF_ZEROES:
        return _is_zeroes(piece)
    return hashlib.sha256(piece).digest() == known


def _different(data: bytes, there: Sequence[bytes]) -> list[tuple[int, int]]:
    """Ranges of ``data`` whose pieces are not ``there``, neighbours joined."""
    if not there:
        return [(0, len(data))]
    found: list[tuple[int, int]] = []
    for number, start in enumerate(range(0, len(data), PIECE)):
        stop = min(len(data), start + PIECE)
        if number < len(there) and _is_there(data[start:stop], there[number]):
            continue
        begin = found.pop()[0] if found and found[-1][1] == start else start
        found.append((begin, stop))
    return found
