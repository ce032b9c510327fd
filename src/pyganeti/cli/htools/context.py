"""What a tool runs with, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


class Stop(Exception):
    """The tool cannot go on; the text is for the user.

    Args:
        text: what stands behind ``Error:``.
        code: the exit code.
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Context:
    """Where a tool prints and finds its files; relative names count from ``directory``."""

    program: str
    env: Mapping[str, str]
    out: TextIO
    err: TextIO
    directory: Path = Path()

    def say(self, text: str = "") -> None:
        """A line for the user."""
        self.out.write(f"{text}\n")

    def warn(self, text: str = "") -> None:
        """A line beside the output."""
        self.err.write(f"{text}\n")
