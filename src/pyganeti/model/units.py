"""Sizes and durations as people write and read them; inside, a size is a number of MiB.

Source: gnt-instance(8) on sizes and ``--units``.
"""

import re
from typing import Final

from .errors import UnitParseError

_SIZE: Final = re.compile(r"\s*([0-9]{0,18})(?:\.([0-9]{0,18}))?\s*([a-zA-Z]*)\s*", re.ASCII)
_FACTORS: Final = {"m": 1, "g": 1024, "t": 1024 * 1024}
# Volumes are allocated in steps; Ganeti rounds every size it parses up to one.
_STEP_MIB: Final = 4


def parse_unit(text: str) -> int:
    """``text`` in MiB, rounded up to a multiple of 4; without a suffix it counts MiB.

    Args:
        text: digits, with or without a fraction, and one of m, mb, mib, g, gb, gib, t, tb, tib.

    Raises:
        UnitParseError: the text is not a size.
    """
    match = _SIZE.fullmatch(text)
    whole, fraction, unit = (part or "" for part in match.groups()) if match else ("", "", "")
    factor = _FACTORS.get(unit.lower()[:1] or "m")
    if not whole + fraction or factor is None or unit.lower()[1:] not in ("", "b", "ib"):
        raise UnitParseError(
            f"{text!r} is not a size: expected a number and m, g or t, as in '512m' or '10g'"
        )
    # In whole numbers: a float would round some sizes up once more.
    scale: int = 10 ** len(fraction)
    scaled = int(whole + fraction) * factor
    return -(-scaled // (scale * _STEP_MIB)) * _STEP_MIB


def format_unit(size_mib: float, units: str) -> str:
    """``size_mib`` for a reader.

    Args:
        size_mib: the size.
        units: ``h`` chooses the unit and names it (``1.0G``, ``128M``); ``m``, ``g`` and ``t``
            are that unit without a suffix.

    Raises:
        ValueError: other ``units``.
    """
    if units not in ("h", "m", "g", "t"):
        raise ValueError(f"unknown unit {units!r}")
    suffix = units
    if units == "h":
        suffix = "m" if size_mib < 1024 else "g" if size_mib < 1024 * 1024 else "t"
    if suffix == "m":
        text = f"{round(size_mib):d}"
    else:
        text = f"{size_mib / _FACTORS[suffix]:0.1f}"
    return text + suffix.upper() if units == "h" else text


def format_duration(seconds: int) -> str:
    """``3723`` as ``1h 2m 3s``; units above the largest that counts are left out."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts)
