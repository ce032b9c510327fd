"""Numbers as Ganeti's tools read and write them in the text format and in options."""

import math
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

_INT: Final = re.compile(r"\s*-?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(r"\s*-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_ANY_SIZE: Final = Context(prec=400)
_HUGEST: Final = 2**53
"""Beyond it a sum of sizes is no longer exact; Ganeti's numbers turn over unnoticed."""


def parse_int(text: str) -> int:
    """A whole number; space before it is passed over, space after it is not.

    Raises:
        ValueError: it is none, or larger than any size.
    """
    if not _INT.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    # The digits are counted first: Python refuses to convert thousands of them.
    if len(text.strip()) > 20 or abs(int(text)) > _HUGEST:
        raise ValueError(f"{text.strip()[:20]!r} is too large")
    return int(text)


def parse_float(text: str) -> float:
    """A number with or without a fraction and an exponent; a bare dot is refused.

    Raises:
        ValueError: it is none, or larger than any size.
    """
    if not _FLOAT.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    value = float(text)
    if abs(value) > _HUGEST:
        raise ValueError(f"{text.strip()[:20]!r} is too large")
    return value


def format_float(value: float) -> str:
    """The shortest decimal that reads back as ``value``, in the notation of Ganeti's tools.

    ``4.0``, ``0.5``, ``5.0e-2``, ``1.23456789e7``: an exponent below 0.1 and from 10^7 on.
    """
    if value == 0.0 or not math.isfinite(value) or 0.1 <= abs(value) < 1e7:
        return repr(value)
    return _scientific(repr(value))


def _scientific(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    exponent = int(power or 0) + len(whole) - 1 - leading
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent}"


def fixed(value: float, digits: int) -> str:
    """``value`` with so many digits, or the word that the tools have for what is no number.

    Ganeti's tools round the shortest decimal that reads back, halves to even: 0.048046875 with
    8 digits ends in 88, though the number itself is a trifle smaller.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    unit = Decimal(1).scaleb(-digits)
    return f"{Decimal(repr(value)).quantize(unit, ROUND_HALF_EVEN, _ANY_SIZE):f}"
