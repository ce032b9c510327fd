"""The cluster's pool of user ids, one of which each guest gets that wants it. Pure.

Ranges with both ends included. Source: gnt-cluster(8), ``--uid-pool``, ``--add-uids``,
``--remove-uids``; the ssconf key ``uid_pool``.
"""

from collections.abc import Iterable
from typing import Final

from pyganeti.model.errors import ECode, OpPrereqError

UidRange = tuple[int, int]

# The last one means "no change" to the kernel.
_LAST: Final = (1 << 32) - 2


def check_pool(ranges: Iterable[UidRange]) -> tuple[UidRange, ...]:
    """``ranges`` as they are recorded: sorted, each once.

    Raises:
        OpPrereqError: one has no user id in it, or some that no guest can have.
    """
    found = sorted({(first, last) for first, last in ranges})
    for first, last in found:
        if first > last:
            text = f"user ids {first}-{last}: the first must not be above the last"
            raise OpPrereqError(text, ECode.INVAL)
        if first < 1 or last > _LAST:
            # A guest that has user id 0 would be root, which the pool is there to prevent.
            text = f"user ids {format_range(first, last)}: expected some between 1 and {_LAST}"
            raise OpPrereqError(text, ECode.INVAL)
    return tuple(found)


def without(pool: tuple[UidRange, ...], removed: Iterable[UidRange]) -> tuple[UidRange, ...]:
    """``pool`` without some of its ranges.

    Raises:
        OpPrereqError: one is none of them.
    """
    left = list(pool)
    for first, last in removed:
        if (first, last) not in left:
            there = ", ".join(format_range(*one) for one in pool) or "none"
            text = f"user ids {format_range(first, last)} are no range of the pool, it has: {there}"
            raise OpPrereqError(text, ECode.NOENT)
        left.remove((first, last))
    return tuple(left)


def format_range(first: int, last: int) -> str:
    """A range as it is written: ``1000-1009``, or ``1000`` for one."""
    return str(first) if first == last else f"{first}-{last}"


def parse_pool(text: str) -> tuple[UidRange, ...]:
    """Read the value of the ssconf key, a range a line.

    Raises:
        ValueError: it is none.
    """
    found = []
    for line in text.split():
        first, _, last = line.partition("-")
        found.append((int(first), int(last or first)))
    return tuple(found)
