"""Command lines of the htools, read and described as Ganeti's are.

    words -> split (which option, which text) -> Words;  options -> usage (a table)

Differs from argparse in what users see: the optional value of a long or short option, the texts of
errors, and that all errors are told at once. Source: htools(1) and what its programs print.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Value(Enum):
    """Whether an option takes a value."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Option:
    """An option; ``completion`` is the kind of its value, as shells are told."""

    short: str
    long: str
    help: str
    value: Value = Value.NONE
    metavar: str = ""
    completion: str = "none"


@dataclass(slots=True)
class Words:
    """A command line: options with their texts, arguments, and what is wrong, as it came."""

    given: list[tuple[Option, str | None]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def complaint(self) -> str:
        """All that is wrong, a line each; empty if nothing is. Unknown options come last."""
        unknown = [f"unrecognized option `{word}'\n" for word in self.unknown]
        return "".join([*self.faults, *unknown])


def split(words: Sequence[str], options: Sequence[Option]) -> Words:
    """Sort ``words`` into options and arguments; options may stand anywhere before a ``--``."""
    found = Words()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            found.arguments += rest
            break
        if word.startswith("--"):
            _long(word, rest, options, found)
        elif word.startswith("-") and word != "-":
            _shorts(word[1:], rest, options, found)
        else:
            found.arguments.append(word)
    return found


def _long(word: str, rest: list[str], options: Sequence[Option], found: Words) -> None:
    """A long option or the beginning of one, with or without ``=`` and a value."""
    name, equals, text = word[2:].partition("=")
    meant = [option for option in options if option.long == name]
    meant = meant or [option for option in options if option.long.startswith(name)]
    if not meant:
        found.unknown.append(word)
    elif len(meant) > 1:
        found.faults.append(f"option `--{name}' is ambiguous; could be one of:\n{table(meant)}")
    elif equals and meant[0].value is Value.NONE:
        found.faults.append(f"option `--{name}' doesn't allow an argument\n")
    elif equals:
        found.given.append((meant[0], text))
    else:
        _take(meant[0], f"--{name}", rest, found)


def _shorts(letters: str, rest: list[str], options: Sequence[Option], found: Words) -> None:
    """Short options in one word; the first that takes a value takes what is left of it."""
    while letters:
        letter, letters = letters[0], letters[1:]
        option = next((option for option in options if option.short == letter), None)
        if option is None:
            found.unknown.append(f"-{letter}")
        elif option.value is not Value.NONE and letters:
            found.given.append((option, letters))
            return
        else:
            _take(option, f"-{letter}", rest, found)


def _take(option: Option, typed: str, rest: list[str], found: Words) -> None:
    """An option with nothing behind it in its own word."""
    if option.value is not Value.REQUIRED:
        found.given.append((option, None))
    elif rest:
        found.given.append((option, rest.pop(0)))
    else:
        found.faults.append(f"option `{typed}' requires an argument {option.metavar}\n")


_SHORT: Final = {Value.NONE: "-{}", Value.OPTIONAL: "-{}[{}]", Value.REQUIRED: "-{} {}"}
_LONG: Final = {Value.NONE: "--{}", Value.OPTIONAL: "--{}[={}]", Value.REQUIRED: "--{}={}"}


def table(options: Iterable[Option]) -> str:
    """The options, a line each, in columns."""
    rows = [
        (
            _SHORT[o.value].format(o.short, o.metavar) if o.short else "",
            _LONG[o.value].format(o.long, o.metavar),
            o.help,
        )
        for o in options
    ]
    short, long = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "".join(f"  {row[0]:<{short}}  {row[1]:<{long}}  {row[2]}\n" for row in rows)


def completion(options: Iterable[Option]) -> str:
    """The options for a shell that completes: names and the kind of the value, a line each."""
    return "".join(
        f"{f'-{o.short},' if o.short else ''}--{o.long} {o.completion}\n" for o in options
    )
