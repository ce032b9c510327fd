"""Copies of contents: what is written, and what is not."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from pyganeti.model.errors import OpExecError
from pyganeti.node.contents import PIECE, LocalEnd, clear_beyond, copy_content, sums
from pyganeti.node.storage.blocks import DeviceBlocks
from pyganeti.wire.noderpc.copying import Copied

NOISE = random.Random(4).randbytes(PIECE)


class Watched(LocalEnd):
    """Remembers what was written: offset and size."""

    def __init__(self, path: Path) -> None:
        super().__init__(DeviceBlocks(), str(path))
        self.written: list[tuple[int, int]] = []
        self.compared = 0

    async def sums(self, offset: int, size: int) -> Sequence[bytes]:
        """See ``End``."""
        self.compared += size
        return await super().sums(offset, size)

    async def write(self, offset: int, data: bytes) -> None:
        """See ``End``."""
        self.written.append((offset, len(data)))
        await super().write(offset, data)


def image(path: Path, *pieces: bytes) -> Path:
    path.write_bytes(b"".join(pieces))
    return path


async def copy(source: Path, end: Watched, *, compare: bool) -> Copied:
    done: list[int] = []
    copied = await copy_content(
        DeviceBlocks(), str(source), end, compare=compare, progress=done.append
    )
    assert done == sorted(done)
    assert done[-1:] == ([copied.size] if copied.size else [])
    return copied


async def test_all_is_written_over_what_may_be_anything(tmp_path: Path) -> None:
    source = image(tmp_path / "from", NOISE, bytes(PIECE), NOISE * 9, b"end")
    target = image(tmp_path / "to", bytes([7]) * (12 * PIECE))
    end = Watched(target)
    size = 11 * PIECE + 3
    assert await copy(source, end, compare=False) == Copied(size=size, written=size)
    assert end.compared == 0
    assert target.read_bytes()[:size] == source.read_bytes()
    assert target.read_bytes()[size:] == bytes([7]) * (12 * PIECE - size)


async def test_only_what_differs_is_written(tmp_path: Path) -> None:
    source = image(tmp_path / "from", *(bytes([n]) * PIECE for n in range(10)), b"end")
    target = image(tmp_path / "to", source.read_bytes())
    with target.open("r+b") as handle:
        for piece in (0, 1, 4, 9):
            handle.seek(piece * PIECE + 1000)
            handle.write(b"x")
    end = Watched(target)
    copied = await copy(source, end, compare=True)
    assert end.written == [(0, 2 * PIECE), (4 * PIECE, PIECE), (9 * PIECE, PIECE)]
    assert copied == Copied(size=10 * PIECE + 3, written=4 * PIECE)
    assert target.read_bytes() == source.read_bytes()


async def test_zeroes_are_written_where_something_else_is(tmp_path: Path) -> None:
    source = image(tmp_path / "from", bytes(PIECE), NOISE)
    target = image(tmp_path / "to", NOISE, bytes(PIECE))
    await copy(source, Watched(target), compare=True)
    assert target.read_bytes() == source.read_bytes()


async def test_an_image_of_zeroes_stays_sparse(tmp_path: Path) -> None:
    source = image(tmp_path / "from", bytes(20 * PIECE), NOISE, b"end")
    target = tmp_path / "to"
    with target.open("wb") as handle:
        handle.truncate(22 * PIECE)
    end = Watched(target)
    await copy(source, end, compare=True)
    assert end.written == [(20 * PIECE, PIECE + 3)]
    assert target.stat().st_blocks * 512 < 2 * PIECE


async def test_nothing_is_copied_of_nothing(tmp_path: Path) -> None:
    source, target = image(tmp_path / "from"), image(tmp_path / "to", NOISE)
    assert await copy(source, Watched(target), compare=True) == Copied(size=0, written=0)


@pytest.mark.parametrize("compare", [True, False])
async def test_a_target_that_is_too_small_stays_as_large_as_it_is(
    tmp_path: Path, compare: bool
) -> None:
    source, target = image(tmp_path / "from", NOISE * 2), image(tmp_path / "to", NOISE)
    with pytest.raises(OpExecError, match="do not fit"):
        await copy(source, Watched(target), compare=compare)
    assert target.read_bytes() == NOISE


async def test_what_is_beyond_becomes_zeroes(tmp_path: Path) -> None:
    target = image(tmp_path / "to", NOISE * 3)
    await clear_beyond(DeviceBlocks(), str(target), PIECE + 10)
    assert target.read_bytes() == NOISE + NOISE[:10] + bytes(2 * PIECE - 10)
    await clear_beyond(DeviceBlocks(), str(target), 3 * PIECE)
    await clear_beyond(DeviceBlocks(), str(target), 9 * PIECE)
    assert target.stat().st_size == 3 * PIECE


async def test_checksums_are_limited(tmp_path: Path) -> None:
    target = image(tmp_path / "to", NOISE)
    assert len(await sums(DeviceBlocks(), str(target), 0, 8 * PIECE)) == 1
    assert await sums(DeviceBlocks(), str(target), 2 * PIECE, PIECE) == ()
    for size in (0, -1, 8 * PIECE + 1):
        with pytest.raises(OpExecError, match="at once"):
            await sums(DeviceBlocks(), str(target), 0, size)
