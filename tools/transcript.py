"""Transcripts of commands: what was typed, what came back. Pure.

    text -> Transcript -> text

A head of ``#`` lines and, after an empty line, for each command::

    # a remark on it, if there is one
    $ gnt-job list -o id
    | what it printed
    ! what it complained about
    = 0

A line ``\\ no line end`` follows output that ended without one. A command without what came back
has not been run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

FROM_GANETI: Final = "# Captured from Ganeti: "
FROM_OURS: Final = "# Captured from pyganeti: "
_NO_END: Final = "\\ no line end"


class TranscriptError(Exception):
    """A line that no transcript has."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and what came back; ``code`` is ``None`` when it has not been run."""

    command: str
    out: str = ""
    err: str = ""
    code: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The lines of the head, and the exchanges in order."""

    head: tuple[str, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def is_from_ganeti(self) -> bool:
        """Whether the output is Ganeti's, and so not to be overwritten with ours."""
        return any(line.startswith(FROM_GANETI) for line in self.head)


def parse(text: str) -> Transcript:
    """Read a transcript.

    Raises:
        TranscriptError: it has a line of no known kind.
    """
    head, *blocks = _blocks(text)
    return Transcript(tuple(head), tuple(_exchange(block) for block in blocks))


def _blocks(text: str) -> Iterator[list[str]]:
    """Lines that stand together; none of them is empty."""
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _exchange(block: list[str]) -> Exchange:
    """Read the lines of one command."""
    remarks = tuple(line for line in block if line.startswith("# "))
    command, *rest = block[len(remarks) :] or [""]
    if not command.startswith("$ "):
        raise TranscriptError(f"expected a command after '$ ', found {command!r}")
    code = None
    if rest and rest[-1].startswith("= "):
        code = int(rest.pop()[2:])
    text = {"|": "", "!": ""}
    mark = ""
    for line in rest:
        if line == _NO_END and mark:
            text[mark] = text[mark].removesuffix("\n")
            continue
        mark = line[0]
        if mark not in text or line[1:2] not in ("", " "):
            raise TranscriptError(f"{command}: a transcript has no line like {line!r}")
        text[mark] += line[2:] + "\n"
    return Exchange(command[2:], text["|"], text["!"], code, remarks)


def render(transcript: Transcript) -> str:
    """The transcript as text; :func:`parse` reads it back."""
    blocks = ["\n".join(transcript.head)]
    blocks += ["\n".join(_lines(exchange)) for exchange in transcript.exchanges]
    return "\n\n".join(blocks) + "\n"


def _lines(exchange: Exchange) -> Iterable[str]:
    yield from exchange.remarks
    yield f"$ {exchange.command}"
    for mark, text in (("|", exchange.out), ("!", exchange.err)):
        if not text:
            continue
        for line in text.removesuffix("\n").split("\n"):
            yield f"{mark} {line}" if line else mark
        if not text.endswith("\n"):
            yield _NO_END
    if exchange.code is not None:
        yield f"= {exchange.code}"
