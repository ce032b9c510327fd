"""Checks of single values, used in the declarations of parameters.

Each answers what was expected, or ``None`` when the value is that.
"""

import posixpath
import re
import shlex
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from .kinds import Check

_ALL_CPUS: Final = "all"
_VLANS: Final = re.compile(r"(\.?[0-9]+)?(:[0-9]+)*")
_NUMBER: Final = re.compile(r"[0-9]+")
_MAX_VLAN: Final = 4094


def at_least(low: int) -> Check:
    """An integer not below ``low``."""
    return lambda value: None if isinstance(value, int) and value >= low else f"at least {low}"


def between(low: int, high: int) -> Check:
    """An integer from ``low`` to ``high``."""

    def check(value: object) -> str | None:
        if isinstance(value, int) and low <= value <= high:
            return None
        return f"an integer from {low} to {high}"

    return check


def one_of(*numbers: int) -> Check:
    """One of a few numbers."""
    words = ", ".join(str(number) for number in numbers)
    return lambda value: None if value in numbers else f"one of {words}"


port = between(1, 65535)


def options(value: object) -> str | None:
    """Options of a program, quoted as for a shell."""
    try:
        shlex.split(str(value))
    except ValueError:
        return "options with closed quotes"
    return None


def absolute_path(value: object) -> str | None:
    """A normalized absolute path."""
    if isinstance(value, str) and value.startswith("/") and posixpath.normpath(value) == value:
        return None
    return "a normalized absolute path"


def path_or_url(value: object) -> str | None:
    """A normalized absolute path, or an http, https or ftp URL."""
    if isinstance(value, str) and value.startswith(("http://", "https://", "ftp://")):
        return None
    return absolute_path(value) and "a normalized absolute path or an http, https or ftp URL"


def ipv4_address(value: object) -> str | None:
    """An IPv4 address."""
    try:
        IPv4Address(str(value))
    except AddressValueError:
        return "an IPv4 address"
    return None


def vlans(value: object) -> str | None:
    """An untagged VLAN, tagged ones, or both: ``5``, ``.5``, ``:6:7``, ``.5:6:7``."""
    text = str(value)
    if _VLANS.fullmatch(text) and all(1 <= int(one) <= _MAX_VLAN for one in _NUMBER.findall(text)):
        return None
    return "VLANs from 1 to 4094: an untagged one as 5 or .5, tagged ones as :6:7, both as .5:6:7"


def link(value: object) -> str | None:
    """An interface, or what the site's script takes for one; never an option of a program."""
    text = str(value)
    if text.startswith("-") or not text.isprintable() or " " in text:
        return "a name without spaces that does not begin with a dash"
    return None


def letters_of(letters: str) -> Check:
    """A word made of the given letters."""

    def check(value: object) -> str | None:
        return None if set(str(value)) <= set(letters) else f"letters from {' '.join(letters)}"

    return check


def parse_cpu_mask(text: str) -> list[int]:
    """The CPUs that ``text`` names, sorted: ``1-3,^2,5`` is 1, 3, 5.

    Raises:
        ValueError: it is not a mask.
    """
    chosen: set[int] = set()
    dropped: set[int] = set()
    for word in text.split(","):
        target = dropped if word.startswith("^") else chosen
        first, _, last = word.removeprefix("^").partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or word.endswith("-"):
            raise ValueError(f"{word!r} is neither a CPU nor a range of CPUs")
        if int(last or first) < int(first):
            raise ValueError(f"{word!r} ends before it begins")
        target.update(range(int(first), int(last or first) + 1))
    return sorted(chosen - dropped)


def _is_mask(text: str) -> bool:
    try:
        return bool(parse_cpu_mask(text))
    except ValueError:
        return False


def cpu_mask(value: object) -> str | None:
    """One mask for all CPUs of the guest."""
    if value == _ALL_CPUS or _is_mask(str(value)):
        return None
    return "CPU numbers and ranges such as 0-3,^2, or all"


def cpu_mask_list(value: object) -> str | None:
    """One mask for the guest, or one for each of its CPUs, separated by colons."""
    if all(mask == _ALL_CPUS or _is_mask(mask) for mask in str(value).split(":")):
        return None
    return "CPU numbers and ranges such as 0-3,^2, or all, one for each VCPU separated by ':'"
