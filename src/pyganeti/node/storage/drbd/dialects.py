"""Which commands a node's DRBD understands, by the version of its kernel module."""

from collections.abc import Callable
from typing import Final, Protocol

from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Command

from . import commands, commands9
from .commands import Link, Params
from .show import Shown

_VERSION: Final = "/sys/module/drbd/version"

Version = Callable[[], str]


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


def module_version() -> str:
    """Version of the kernel module; empty while it is not loaded."""
    return (read_bytes(_VERSION) or b"").decode("ascii", "replace").strip()


def dialect(version: str) -> Dialect:
    """What a module of this version understands: of 9 and later 9's, else 8.4's."""
    major = version.partition(".")[0]
    return commands9 if major.isdecimal() and int(major) >= 9 else commands
