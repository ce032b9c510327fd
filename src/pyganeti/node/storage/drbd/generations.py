"""Which generation of its data a disk has: what ``drbdsetup get-gi`` of 8.4 prints. Pure.

Each time that a side is written to without its peer, its data becomes a new generation, and the
one before is remembered.

Source: DRBD 8.4's user's guide, generation identifiers; ``tests/golden/drbd``.
"""

import re
from typing import Final

from pyganeti.model.errors import BlockDeviceError

_LINE: Final = re.compile(r"^([0-9A-F]{16}(?::[0-9A-F]{16}){3}):", re.MULTILINE)
# Says whether the node writes, and nothing of the data.
_PRIMARY: Final = 1
# What data that was never written has.
_NEW: Final = (0, 4)


def parse_generations(text: str) -> tuple[str, ...]:
    """The current one, and those it comes from as far as they are known; none of new data.

    Raises:
        BlockDeviceError: it is not what DRBD prints.
    """
    found = _LINE.search(text)
    if found is None:
        raise BlockDeviceError(f"drbdsetup get-gi: unexpected answer {text[:200]!r}")
    current, *past = (int(word, 16) & ~_PRIMARY for word in found[1].split(":"))
    if current in _NEW:
        return ()
    return tuple(f"{one:016X}" for one in (current, *past) if one not in _NEW)
