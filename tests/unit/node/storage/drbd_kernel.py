"""DRBD's kernel module as it told of itself once."""

from dataclasses import dataclass
from typing import Final

from tools.machine import CHECKOUT

PAIRS: Final = CHECKOUT / "tests" / "golden" / "drbd" / "8.4.11" / "pairs"


def captured(name: str) -> str:
    """What it told when a device was as ``name`` says."""
    return (PAIRS / f"{name}-proc.txt").read_text()


@dataclass(frozen=True)
class Told:
    """A ``Kernel``: its account and version, and the size of all devices."""

    told: str = ""
    said_version: str = "8.4.11"
    bytes: int = 64 << 20

    def version(self) -> str:
        return self.said_version

    def account(self) -> str:
        return self.told

    def size(self, minor: int) -> int:
        return self.bytes


async def nothing() -> None:
    """For volumes that are usable."""
