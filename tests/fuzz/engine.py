"""Feeds a target with bad input until its time is over, and keeps what it should not have done.

    Target, kept inputs, seed -> fuzz -> Findings

A target answers or raises what it declares. Anything else is a finding: another exception, too
much CPU for one input, more memory than the process may have. Inputs that are answered in a way not
seen before are mutated further.
"""

import hashlib
import re
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final, Protocol

from .mutate import Mutator

# CPU for one input; what is read here takes milliseconds on an idle machine.
SLOW_S: Final = 10.0
# Of the whole process, with a simulated cluster in it.
MEMORY: Final = 1536 * 1024 * 1024
_NOVEL: Final = 3000
_SHRINK_S: Final = 5.0
# Names, numbers and what stands in quotes differ from input to input.
_VARIES: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\d+|\(at [^)]*\)")
_LONGEST_KIND: Final = 120
_LONGEST_LINE: Final = 300
_LINES: Final = 60


class Target(Protocol):
    """What is fed."""

    name: str

    def seeds(self) -> Sequence[bytes]:
        """Good input, made by code."""
        ...

    def close(self) -> None:
        """End what runs beside it."""
        ...

    def run(self, data: bytes) -> str:
        """Take ``data``; how it was answered, in a few words without its contents.

        Raises:
            BaseException: a finding.
        """
        ...


class TooSlow(BaseException):
    """One input took too much CPU. Not an Exception, so that nothing in between catches it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that should have been answered.

    Attributes:
        place: exception and the innermost line that raised it: one finding each.
        data: the shortest input found for it.
        trace: for people.
    """

    place: str
    data: bytes
    trace: str

    @property
    def name(self) -> str:
        """A file name."""
        digest = hashlib.sha256(self.data).hexdigest()[:8]
        return re.sub(r"[^A-Za-z0-9]+", "-", self.place).strip("-")[-80:] + f"-{digest}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a run.

    Attributes:
        count: inputs tried.
        findings: one for each place.
        novel: inputs answered in a new way, with the way.
    """

    count: int
    findings: list[Finding]
    novel: dict[str, bytes]


def kind_of(error: BaseException) -> str:
    """An error as a word for the way in which an input was answered."""
    return f"{type(error).__name__}: {_VARIES.sub('_', str(error))[:_LONGEST_KIND]}"


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TooSlow` in what takes more CPU than this."""

    def expired(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {seconds:g} s of CPU")

    before = signal.signal(signal.SIGVTALRM, expired)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def attempt(target: Target, data: bytes, *, slow_s: float = SLOW_S) -> str | Finding:
    """Feed one input: how it was answered, or what was found."""
    try:
        with cpu_limit(slow_s):
            return target.run(data)
    except KeyboardInterrupt:
        raise
    except BaseException as err:
        return Finding(_place(err), data, _trace(err))


def _trace(err: BaseException) -> str:
    lines = "".join(traceback.format_exception(err)).splitlines()
    return "\n".join(line[:_LONGEST_LINE] for line in lines[-_LINES:])


def _place(err: BaseException) -> str:
    frames = traceback.extract_tb(err.__traceback__)
    ours = [frame for frame in frames if "pyganeti" in frame.filename] or frames
    where = f"{ours[-1].filename.rpartition('/')[2]} {ours[-1].name}" if ours else "nowhere"
    return f"{type(err).__name__} {where}"


def fuzz(
    target: Target,
    inputs: Sequence[bytes],
    *,
    seed: int,
    cpu_s: float,
    trying: Callable[[bytes], None] = lambda _: None,
    slow_s: float = SLOW_S,
) -> Result:
    """Feed ``target`` for ``cpu_s`` seconds of CPU.

    Args:
        target: what is fed.
        inputs: kept ones, all of which are tried first.
        seed: of all choices.
        cpu_s: CPU time of this process.
        trying: told each input before it is tried, in case the process does not survive it.
        slow_s: CPU for one input.
    """
    mutator = Mutator(seed, inputs)
    novel: dict[str, bytes] = {}
    findings: dict[str, Finding] = {}
    count, end = 0, time.process_time() + cpu_s
    while time.process_time() < end:
        data = inputs[count] if count < len(inputs) else mutator.make()
        count += 1
        trying(data)
        found = attempt(target, data, slow_s=slow_s)
        if isinstance(found, Finding):
            if found.place not in findings:
                findings[found.place] = _shortest(target, found, slow_s)
        elif found not in novel and len(novel) < _NOVEL:
            novel[found] = data
            mutator.keep(data)
    return Result(count, list(findings.values()), novel)


def _shortest(target: Target, found: Finding, slow_s: float) -> Finding:
    """Take pieces out as long as the same is found."""
    end = time.process_time() + _SHRINK_S
    size = 0 if found.place.startswith(TooSlow.__name__) else len(found.data) // 2
    while size and time.process_time() < end:
        for begin in range(0, len(found.data), size):
            data = found.data[:begin] + found.data[begin + size :]
            other = attempt(target, data, slow_s=slow_s)
            if isinstance(other, Finding) and other.place == found.place:
                found = other
                break
            if time.process_time() >= end:
                break
        else:
            size //= 2
    return found


def limit_memory() -> None:
    """Let this process have no more than :data:`MEMORY`: what takes it raises MemoryError."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
