"""Values of options: text -> number, size, choice, or a :class:`BadValue` in Ganeti's words.

Source: htools(1), UNITS, and what its programs say to wrong values.
"""

import re
from typing import Final

from pyganeti.htools import numerals
from pyganeti.model.enums import DiskTemplate

_INT: Final = re.compile(r"\s*-?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(r"\s*-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_SIZE: Final = re.compile(r"\s*([0-9]+)\s*([A-Za-z]*)", re.ASCII)
_MIB: Final = 2**20
# Binary units for small single letters and "ib", units of 1000 for capitals and "b".
_UNITS: Final = {"": _MIB, "m": _MIB, "g": 2**30, "t": 2**40,
                 "M": 10**6, "G": 10**9, "T": 10**12}  # fmt: skip
_LONG_UNITS: Final = {"mib": _MIB, "gib": 2**30, "tib": 2**40,
                      "mb": 10**6, "gb": 10**9, "tb": 10**12}  # fmt: skip


class BadValue(ValueError):
    """The value of an option cannot be; the text is for the user."""


def _leading(pattern: re.Pattern[str], what: str, text: str) -> str:
    """All of ``text``, which must be what ``pattern`` finds at its begin."""
    found = pattern.match(text)
    rest = text[found.end() :] if found else ""
    # A number that goes on as another kind of number does is none at all.
    if not found or (pattern is _INT and re.match(r"\.[0-9]|[eE][-+]?[0-9]", rest)):
        raise BadValue(f"{what}: cannot parse string '{text}'")
    if rest:
        raise BadValue(f"{what}: leftover characters when parsing '{text}': '{rest}'")
    return found.group()


def integer(what: str, text: str) -> int:
    """A whole number.

    Raises:
        BadValue: it is none, or too large to compute with.
    """
    number = _leading(_INT, what, text)
    try:
        return numerals.parse_int(number)
    except ValueError as err:
        raise BadValue(f"{what}: {err}") from err


def number(what: str, text: str) -> float:
    """A number with or without a fraction.

    Raises:
        BadValue: it is none, or too large to compute with.
    """
    found = _leading(_FLOAT, what, text)
    try:
        return numerals.parse_float(found)
    except (ValueError, OverflowError) as err:
        raise BadValue(f"{what}: {err}") from err


def size(what: str, text: str) -> int:
    """A size in MiB, rounded down; without a unit it counts MiB.

    Raises:
        BadValue: it is no size.
    """
    found = _SIZE.fullmatch(text)
    if not found:
        raise BadValue(f"{what}: Can't parse string '{text}'")
    digits, unit = found.groups()
    factor = _UNITS.get(unit) or _LONG_UNITS.get(unit.lower())
    if factor is None:
        raise BadValue(f"{what}: Unknown unit '{unit}'")
    return integer(what, digits) * factor // _MIB


def yes_or_no(text: str | None) -> bool:
    """A switch that may be left out, which is yes.

    Raises:
        BadValue: another word.
    """
    if text not in (None, "yes", "no"):
        raise BadValue(f"Invalid choice '{text}', pass one of 'yes' or 'no'")
    return text != "no"


def disk_template(text: str) -> DiskTemplate:
    """A disk template.

    Raises:
        BadValue: there is none of this name.
    """
    try:
        return DiskTemplate(text)
    except ValueError as err:
        raise BadValue(f'Invalid string value for type DiskTemplate: "{text}"') from err
