"""Compare what a command of ours said with what Ganeti said. Pure.

What two runs of the same program may print differently is made equal first: numbers of new jobs,
figures of the machine, the order of what has none. Messages, of errors and in logs of jobs, are our
own words: of standard error only the type of the error counts, and the warnings on fields.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final

from tools.transcript import Exchange

_JOB: Final = re.compile(r"\b([Jj]ob(?:ID:)?) (\d+)")
_LOG: Final = re.compile(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} .*", re.M)
_FIGURE: Final = re.compile(r"\b\d+(\.\d+)?[MGT]?(?=\s|:|\||$)")
_BOOT_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_KINDS: Final = "Unknown|Text|Boolean|Number|Floating-point number|Storage size|Timestamp|Custom"
# A field's name, kind and title; what follows describes it.
_DESCRIBED: Final = re.compile(rf"^([^ :]+[ :]+(?:{_KINDS})[ :]+[^ :]+)[ :].*", re.M)
_TYPE: Final = re.compile(r"^error type: (\w+)", re.M)
_FIELDS: Final = re.compile(r"^Warning: Queried for unknown fields .*", re.M)


@dataclass(frozen=True, slots=True)
class Rule:
    """How the output of some commands is made equal.

    Args:
        pattern: a regular expression that their commands match.
        change: what is done to their output.
    """

    pattern: str
    change: Callable[[str], str]


def _sorted(value: object) -> object:
    """``value`` with the keys of all mappings in it in one order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _sorted_dictionaries(text: str) -> str:
    """Sort what Python's dictionaries hold, wherever in the text they are printed."""
    parts, rest = [], text
    while "{" in rest:
        before, rest = rest.split("{", 1)
        end = _end(rest)
        try:
            read = ast.literal_eval("{" + rest[:end])
        except (ValueError, SyntaxError):
            # Braces of something else.
            read, end = None, 0
        # A set of Python's stands between braces, too.
        shown = repr(_sorted(read)) if isinstance(read, dict) else "{" + rest[:end]
        parts += [before, shown]
        rest = rest[end:]
    return "".join([*parts, rest])


def _end(text: str) -> int:
    """Where the brace is closed that was opened before ``text``; 0 if nowhere."""
    depth = 1
    for place, char in enumerate(text, 1):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0:
            return place
    return 0


def general(text: str) -> str:
    """Make equal what differs between any two runs: jobs, times, the order within dictionaries."""
    text = _LOG.sub("<time> <message>", _JOB.sub(r"\1 <number>", text))
    return _sorted_dictionaries(text)


def figures(text: str) -> str:
    """Make figures of the machine equal, and with them the width of columns."""
    text = _FIGURE.sub("<figure>", _BOOT_ID.sub("<id>", text))
    return re.sub(r" +", " ", text)


def without_descriptions(text: str) -> str:
    """Cut descriptions of fields off: they are our own words."""
    return _DESCRIBED.sub(r"\1", re.sub(r"[ :]+Description$", "", text, flags=re.M))


def complaints(theirs: str, ours: str) -> list[str]:
    """What differs between two standard errors."""
    found = []
    types = _TYPE.findall(theirs), _TYPE.findall(ours)
    # Where one of both has none, one program found at once what the other left to the master.
    if all(types) and types[0] != types[1]:
        found.append(f"error type {types[0]} -> {types[1]}: {ours}")
    if _FIELDS.findall(theirs) != _FIELDS.findall(ours):
        found.append(f"complaint {theirs!r} -> {ours!r}")
    return found


def differences(theirs: Exchange, ours: Exchange, rules: Sequence[Rule]) -> list[str]:
    """What differs between two answers to one command; nothing if they are the same."""
    found = []
    if theirs.code != ours.code:
        found.append(f"exit code {theirs.code} -> {ours.code}: {ours.err.strip()}")
    before, after = (_equalized(one, rules) for one in (theirs, ours))
    found += [line for line in unified_diff(before, after, lineterm="", n=0)
              if not line.startswith(("---", "+++", "@@"))]  # fmt: skip
    return found + complaints(theirs.err, ours.err)


def _equalized(exchange: Exchange, rules: Sequence[Rule]) -> list[str]:
    text = general(exchange.out)
    for rule in rules:
        if re.match(rule.pattern, exchange.command):
            text = rule.change(text)
    return text.splitlines()
