"""Run the commands of transcripts on a cluster and write down what comes back.

    python -m tools.golden [--from-ganeti] --prefix 'COMMAND WORDS' FILE...

Each FILE is a transcript: its commands stay, what came back is written anew. A transcript that was
captured from Ganeti is only written with ``--from-ganeti``, and with this only where the programs
say that they are Ganeti's. ``tests/golden/ganeti/README.md`` tells how such a cluster is made.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tools.transcript import (
    FROM_GANETI,
    FROM_OURS,
    Exchange,
    Transcript,
    TranscriptError,
    parse,
    render,
)

Run = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]

_VERSION: Final = ("gnt-cluster", "--version")
# What our --version has and Ganeti's has not.
_OURS: Final = "pyganeti"


class GoldenError(Exception):
    """The transcript must not be written, or the programs cannot be run."""


def runner(prefix: Sequence[str]) -> Run:
    """Runs a command behind ``prefix``, the words that bring it to the cluster."""

    def run(words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*prefix, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def answer(run: Run, exchange: Exchange) -> Exchange:
    """Run the command of ``exchange``; the exchange with what came back."""
    done = run(shlex.split(exchange.command))
    return replace(exchange, out=done.stdout, err=done.stderr, code=done.returncode)


def origin(run: Run, *, from_ganeti: bool) -> str:
    """The line of the head that tells whose output this is.

    Raises:
        GoldenError: the programs are not those that they were said to be.
    """
    done = run(_VERSION)
    version = done.stdout.strip()
    if done.returncode != 0 or not version:
        raise GoldenError(f"{shlex.join(_VERSION)} failed: {done.stderr.strip()}")
    if from_ganeti == (_OURS in version):
        wanted = "Ganeti" if from_ganeti else _OURS
        raise GoldenError(f"wanted to capture from {wanted}, and found {version!r}")
    return f"{FROM_GANETI if from_ganeti else FROM_OURS}{version}"


def capture(run: Run, transcript: Transcript, *, from_ganeti: bool) -> Transcript:
    """Run all commands of ``transcript`` again.

    Raises:
        GoldenError: it was captured from Ganeti, and this is not to be.
    """
    if transcript.is_from_ganeti and not from_ganeti:
        raise GoldenError("captured from Ganeti: not overwritten with output of our own")
    kept = [line for line in transcript.head if not line.startswith((FROM_GANETI, FROM_OURS))]
    head = (origin(run, from_ganeti=from_ganeti), *kept)
    return Transcript(head, tuple(answer(run, exchange) for exchange in transcript.exchanges))


def capture_file(run: Run, path: Path, *, from_ganeti: bool) -> None:
    """Write the transcript at ``path`` anew.

    Raises:
        GoldenError: it cannot or must not be; it is as it was.
    """
    try:
        made = capture(run, parse(path.read_text("utf-8")), from_ganeti=from_ganeti)
    except (GoldenError, TranscriptError, OSError) as err:
        raise GoldenError(f"{path}: {err}") from err
    path.write_text(render(made), "utf-8")


def main(argv: Iterable[str] | None = None) -> int:
    """Capture what the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(prog="golden", description="Capture the output of commands.")
    parser.add_argument("--prefix", default="", help="words before each command")
    parser.add_argument("--from-ganeti", action="store_true", help="these are Ganeti's programs")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="transcripts")
    options = parser.parse_args(None if argv is None else list(argv))
    run = runner(shlex.split(options.prefix))
    try:
        for path in options.files:
            capture_file(run, path, from_ganeti=options.from_ganeti)
    except GoldenError as err:
        print(f"golden: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
