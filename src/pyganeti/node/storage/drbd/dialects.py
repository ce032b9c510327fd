"""Which commands a node's DRBD understands, by the version of its kernel module."""

from collections.abc import Callable
from typing import Protocol

from pyganeti.kit.process import Command

from . import commands, commands9
from .commands import Link, Params
from .show import Shown


class Dialect(Protocol):
    """Commands of a version. What each is for, and what its arguments are, ``commands`` says."""

    @property
    def parse_show(self) -> Callable[[str], Shown]:
        """Reads what ``show`` prints."""
        ...

    def allow_two_primaries(
        self, minor: int, link: Link, /, *, allow: bool, protocol: str
    ) -> Command:
        """See ``commands``."""
        ...

    def apply_log(self, minor: int, place: str, /) -> Command:
        """See ``commands``."""
        ...

    def connect(self, minor: int, link: Link, params: Params, /) -> tuple[Command, ...]:
        """See ``commands``."""
        ...

    def create_metadata(self, minor: int, place: str, /) -> Command:
        """See ``commands``."""
        ...

    def disconnect(self, minor: int, ends: tuple[str, str], /) -> tuple[Command, ...]:
        """See ``commands``."""
        ...

    def new_resource(self, minor: int, link: Link, /) -> Command:
        """See ``commands``."""
        ...

    def primary(self, minor: int, /, *, force: bool = False) -> Command:
        """See ``commands``."""
        ...

    def secondary(self, minor: int, /) -> Command:
        """See ``commands``."""
        ...

    def tune_disk(self, minor: int, params: Params, /) -> tuple[Command, ...]:
        """See ``commands``."""
        ...

    def tune_peer(self, minor: int, link: Link, params: Params, /) -> tuple[Command, ...]:
        """See ``commands``."""
        ...


def dialect(version: str) -> Dialect:
    """What a module of this version understands: of 9 and later 9's, else 8.4's."""
    return commands9 if is_nine(version) else commands


def is_nine(version: str) -> bool:
    """Whether a module of this version is one of 9 or later."""
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) >= 9
