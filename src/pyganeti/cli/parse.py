r"""Values of options: lists, ``key=value`` groups and the like, as ganeti(7) describes them.

Pure. A comma inside a value is written ``\,`` and a backslash ``\\``. A key alone means true,
``no_key`` false, ``-key`` null, which resets a parameter to what is inherited.

Source: ganeti(7) "Key-value parameters".
"""

import json
from typing import Any, Final, NoReturn

from pyganeti.model.errors import ParameterError

# One value of a group: text, or true, false, null by the forms above.
Scalar = str | bool | None
KeyVal = dict[str, Scalar]
# ``ident:key=value``; the second part is false for ``no_ident`` and null for ``-ident``.
IdentKeyVal = tuple[str, KeyVal | bool | None]

_NO: Final = "no_"
_MAX_DIGITS: Final = 18
_RESET: Final = "-"
_TRUE: Final = frozenset({"true", "yes"})
_FALSE: Final = frozenset({"false", "no"})
_DURATIONS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_json(text: str) -> Any:  # Any: JSON
    """The value of a text in JSON.

    Raises:
        ValueError: it is none that every reader of JSON takes.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as err:
        raise ValueError("it is nested too deeply") from err


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def split_escaped(text: str, separator: str = ",") -> list[str]:
    r"""Split at ``separator``; ``\`` takes the meaning from the character after it."""
    parts, current, rest = [], "", iter(text)
    for char in rest:
        if char == "\\":
            current += next(rest, "\\")
        elif char == separator:
            parts.append(current)
            current = ""
        else:
            current += char
    parts.append(current)
    return parts


def parse_keyval(text: str, what: str = "option") -> KeyVal:
    """Read ``key=value,flag,no_flag,-reset``.

    Args:
        text: what was given; empty means no keys.
        what: names the option in errors.

    Raises:
        ParameterError: a key twice, or an empty one. The text has no values: they may be secret.
    """
    values: KeyVal = {}
    for part in split_escaped(text) if text else ():
        key, value = _key_and_value(part)
        if not key:
            raise ParameterError(f"empty key in {what}: a comma or '=' stands where a key should")
        if key in values:
            raise ParameterError(f"duplicate key {key!r} in {what}")
        values[key] = value
    return values


def _key_and_value(part: str) -> tuple[str, Scalar]:
    key, equals, value = part.partition("=")
    if equals:
        return key, value
    if key.startswith(_NO):
        return key[len(_NO) :], False
    if key.startswith(_RESET):
        return key[len(_RESET) :], None
    return key, True


def parse_identkeyval(text: str, what: str = "option") -> IdentKeyVal:
    """Read ``ident``, ``ident:key=value,...``, ``no_ident`` or ``-ident``.

    Raises:
        ParameterError: as :func:`parse_keyval`; or values after ``no_ident`` or ``-ident``.
    """
    ident, _, rest = text.partition(":")
    if ident.startswith(_NO):
        ident, value = ident[len(_NO) :], False
    elif ident.startswith(_RESET) and not ident[1:2].isdigit():
        # A negative number is an index from the end, not something to reset.
        ident, value = ident[len(_RESET) :], None
    else:
        return ident, parse_keyval(rest, what)
    if rest:
        raise ParameterError(f"no values can follow a removed {ident!r} in {what}")
    return ident, value


def parse_bounds(text: str) -> list[dict[str, KeyVal]]:
    """Read ``min:k=v,.../max:k=v,...//min:...``: groups by ``//``, members of a group by ``/``.

    Raises:
        ParameterError: as :func:`parse_identkeyval`; or the same member twice in a group.
    """
    groups = []
    for group in text.split("//"):
        members: dict[str, KeyVal] = {}
        for part in group.split("/"):
            if not part:
                raise ParameterError(f"empty section in bounds {text!r}")
            ident, values = parse_identkeyval(part, "bounds")
            if ident in members or not isinstance(values, dict):
                raise ParameterError(f"duplicate or removed {ident!r} in bounds {text!r}")
            members[ident] = values
        groups.append(members)
    return groups


def parse_bool(text: str) -> bool:
    """Read ``yes``, ``no``, ``true`` or ``false``.

    Raises:
        ParameterError: neither.
    """
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ParameterError(f"{text!r} is neither yes nor no")


def parse_list(text: str) -> list[str]:
    """Read a list separated by commas; empty text is the empty list."""
    return split_escaped(text) if text else []


def parse_duration(text: str) -> int:
    """Read seconds, with an optional unit: ``s``, ``m``, ``h``, ``d`` or ``w``.

    Raises:
        ParameterError: not a duration.
    """
    number, factor = text.strip(), 1
    if number and number[-1] in _DURATIONS:
        number, factor = number[:-1].rstrip(), _DURATIONS[number[-1]]
    if not _is_number(number):
        raise ParameterError(f"{text!r} is not a duration: use a number with s, m, h, d or w")
    return int(number) * factor


def _is_number(text: str) -> bool:
    # Python refuses to read thousands of digits in its own words.
    return text.isdecimal() and len(text) <= _MAX_DIGITS


def parse_id_ranges(text: str) -> list[list[int]]:
    """Read ``1000-1010,2000`` as ``[[1000, 1010], [2000, 2000]]``.

    Raises:
        ParameterError: not a number, or a range that ends before it begins.
    """
    ranges = []
    for part in parse_list(text):
        low, dash, high = part.partition("-")
        if not _is_number(low) or (dash and not _is_number(high)):
            raise ParameterError(f"{part!r} is not a number or a range of numbers")
        pair = [int(low), int(high or low)]
        if pair[0] > pair[1]:
            raise ParameterError(f"the range {part!r} ends before it begins")
        ranges.append(pair)
    return ranges


def indexed(groups: list[IdentKeyVal], what: str) -> list[dict[str, Any]]:
    """``[("0", {...}), ("2", {...})]`` as a list by index; indices left out get no parameters.

    Raises:
        ParameterError: an index is not a number, or is used twice.
    """
    found: dict[int, dict[str, Any]] = {}
    for ident, values in groups:
        if not ident.isdecimal():
            raise ParameterError(f"invalid {what} index {ident!r}: not a number")
        index = int(ident)
        if index in found:
            raise ParameterError(f"{what} index {index} is given twice")
        if not isinstance(values, dict):
            raise ParameterError(f"{what} {index}: expected key=value parameters")
        found[index] = dict(values)
    return [found.get(index, {}) for index in range(max(found) + 1 if found else 0)]
