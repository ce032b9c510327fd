"""Versions of the software as people write them, and which of them may follow which. Pure.

Source: gnt-cluster(8) UPGRADE of Ganeti; its rule on downgrades.
"""

import re
from typing import Final, NamedTuple

from pyganeti.model.errors import OpPrereqError

_TEXT: Final = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?", re.ASCII)
_CONFIG_MAJOR: Final = 1_000_000
_CONFIG_MINOR: Final = 10_000


class Version(NamedTuple):
    """Major and minor number: what versions on a node are called by."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def parse_version(text: str) -> Version:
    """Read ``3.2`` or ``3.2.0``: revisions of one minor version replace each other.

    Raises:
        OpPrereqError: it is neither.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise OpPrereqError(f"{text!r} is no version: write it as 3.2 or 3.2.0", "wrong_input")
    return Version(int(match[1]), int(match[2]))


def config_version(number: int) -> Version:
    """The version that writes configurations of the version ``number`` (3010000)."""
    return Version(number // _CONFIG_MAJOR, number % _CONFIG_MAJOR // _CONFIG_MINOR)


def check_change(current: Version, target: Version) -> None:
    """Refuse a way that no version knows.

    Raises:
        OpPrereqError: another major version, or more than one minor version down.
    """
    if target.major != current.major:
        text = f"a cluster of version {current} cannot change to {target}, another major version"
        raise OpPrereqError(text, "wrong_input")
    if target.minor < current.minor - 1:
        lower = Version(current.major, current.minor - 1)
        text = f"from {current} one can go back to {lower} at most, not to {target}"
        raise OpPrereqError(text, "wrong_input")
