"""Regular expressions that users write: bounded in size, and in the time that a search takes.

``regex`` unrolls counted repeats: ``((a{1000}){1000}){1000}`` takes all memory there is before any
time limit begins. So what an expression comes to is counted before it is compiled.
"""

import re
from typing import Final

import regex

MAX_LENGTH: Final = 4096
MAX_SIZE: Final = 20_000
_COUNT: Final = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_SET: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]?", re.DOTALL)
# More digits are too many, whatever they repeat.
_MAX_DIGITS: Final = 6


class PatternError(ValueError):
    """No regular expression, or too large a one.

    Attributes:
        position: where in it; ``None`` if that cannot be said.
    """

    def __init__(self, text: str, position: int | None = None) -> None:
        super().__init__(text)
        self.position = position


class PatternTooSlow(Exception):
    """A search took longer than it may."""


class Pattern:
    """A compiled expression.

    Attributes:
        text: the expression.

    Raises:
        PatternError: it is none, or too large.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > MAX_LENGTH:
            raise PatternError(f"it has more than {MAX_LENGTH} characters")
        if expanded_size(text) > MAX_SIZE:
            raise PatternError("its repeats make it too large")
        try:
            # Kept in a cache they would never go away.
            self._compiled = regex.compile(text, cache_pattern=False)
        except regex.error as err:
            # The position is missing from what type checkers know.
            raise PatternError(str(getattr(err, "msg", err)), getattr(err, "pos", None)) from err
        except (RecursionError, OverflowError) as err:
            raise PatternError("it is too large") from err

    def search(self, value: str, limit_s: float) -> bool:
        """Whether it matches anywhere in ``value``.

        Raises:
            PatternTooSlow: that cannot be said within ``limit_s`` seconds.
        """
        try:
            return self._compiled.search(value, timeout=limit_s) is not None
        except TimeoutError as err:
            raise PatternTooSlow(f"no answer within {limit_s:g} s") from err

    def matches_all(self, value: str, limit_s: float) -> bool:
        """Whether it matches the whole of ``value``; raises as :meth:`search`."""
        try:
            return self._compiled.fullmatch(value, timeout=limit_s) is not None
        except TimeoutError as err:
            raise PatternTooSlow(f"no answer within {limit_s:g} s") from err


def expanded_size(text: str) -> int:
    """How many characters and sets ``text`` comes to with all counted repeats written out.

    Stops counting beyond :data:`MAX_SIZE`. What is no regular expression has some size, too.
    """
    # Sizes of the groups that are open, the outermost first; and of what a repeat would repeat.
    groups, last, at = [0], 0, 0
    while at < len(text) and max(groups) <= MAX_SIZE:
        begin, letter = at, text[at]
        at += 1
        if letter == "{" and (found := _COUNT.match(text, begin)):
            at = found.end()
            more = last * (_times(found) - 1)
            groups[-1] += more
            last += more
        elif letter == "(":
            groups.append(0)
            last = 0
        elif letter == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif letter not in "*+?":
            at += letter == "\\"
            if letter == "[" and (found := _SET.match(text, begin)):
                at = found.end()
            groups[-1] += 1
            last = 1
    return sum(groups)


def _times(found: re.Match[str]) -> int:
    """How often at the most; at least once, since without a maximum it is no copy each time."""
    counts = [count for count in found.groups() if count]
    if any(len(count) > _MAX_DIGITS for count in counts):
        return MAX_SIZE + 1
    return max([1, *map(int, counts)])
