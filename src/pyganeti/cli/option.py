"""What a command takes: options, arguments, and the command itself, as data.

The tables below ``options/`` and the command modules are made of these; ``parser.py`` reads them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


class Option(NamedTuple):
    """One option.

    Attributes:
        flags: how it is written, the short form first.
        dest: where the value goes; empty for an option that does nothing any more.
        help: one line for ``--help``.
        action: ``store``, ``store_true``, ``store_false``, ``store_const``, ``append``, ``count``,
            or ``obsolete``: takes no value, does nothing, warns.
        kind: type of the value, a key of :data:`pyganeti.cli.parser.CONVERTERS`.
        choices: for ``choice``, what is allowed.
        const: for ``store_const``, what is stored.
        default: value without the option; an empty tuple stands for an empty list or dictionary.
        metavar: name of the value in the help.
    """

    flags: tuple[str, ...]
    dest: str
    help: str
    action: str = "store"
    kind: str = "string"
    choices: tuple[str, ...] = ()
    const: object = None
    default: object = None
    metavar: str | None = None


# What stands for a value in the help where the option has no name for it.
_PLACEHOLDERS: Final = {
    "bool": "yes|no",
    "filteraction": "ACTION",
    "float": "NUMBER",
    "identkeyval": "IDENT[:KEY=VALUE,...]",
    "int": "NUMBER",
    "json": "JSON",
    "keyprivateval": "KEY=VALUE,...",
    "keyval": "KEY=VALUE,...",
    "list": "WORD,...",
    "maybefloat": "NUMBER",
    "multilistidentkeyval": "min:KEY=VALUE,.../max:KEY=VALUE,...",
    "unit": "SIZE",
}
# More choices than this are listed in the text.
_INLINE_CHOICES: Final = 4


def takes_value(option: Option) -> bool:
    """Whether a value follows the option."""
    return option.action in ("store", "append")


def placeholder(option: Option) -> str:
    """What stands for the option's value in help and manual."""
    if option.metavar:
        return option.metavar
    if option.choices and len(option.choices) <= _INLINE_CHOICES:
        return "|".join(option.choices)
    return _PLACEHOLDERS.get(option.kind, option.dest.upper())


def describe(option: Option) -> str:
    """The help text with choices and default, where these are not plain to see."""
    text = option.help
    if set(option.choices) - set(placeholder(option).split("|")):
        text = f"{text}: {', '.join(option.choices)}"
    plain = option.default is None or option.default == () or isinstance(option.default, bool)
    return text if plain or not takes_value(option) else f"{text} (default: {option.default})"


def switch(flags: tuple[str, ...], dest: str, text: str) -> Option:
    """An option without a value that turns ``dest`` on."""
    return Option(flags, dest, text, action="store_true", default=False)


def unswitch(flags: tuple[str, ...], dest: str, text: str) -> Option:
    """An option without a value that turns ``dest`` off."""
    return Option(flags, dest, text, action="store_false", default=True)


class Arg(NamedTuple):
    """One positional argument.

    Attributes:
        kind: what it names (``instance``, ``node``, ``choice``, ...).
        least: how many there must be.
        most: how many there may be, or ``None``.
        choices: for ``choice`` what is allowed, for ``suggest`` what is usual.
    """

    kind: str
    least: int = 1
    most: int | None = 1
    choices: tuple[str, ...] = ()


def any_number(kind: str) -> Arg:
    """Any number of arguments, none as well."""
    return Arg(kind, 0, None)


def at_least_one(kind: str) -> Arg:
    """One argument or more."""
    return Arg(kind, 1, None)


class Command(NamedTuple):
    """One sub-command.

    Attributes:
        run: does it; gets the context, the options and the arguments; returns the exit code.
        args: its arguments.
        options: its options, besides those of every command.
        usage: arguments as the help shows them.
        defaults_env: environment variable with options to put in front, or empty.
    """

    run: "Callable[[Context, Values, list[str]], int]"
    args: tuple[Arg, ...]
    options: tuple[Option, ...]
    usage: str = ""
    defaults_env: str = ""


class Entry(NamedTuple):
    """Where a sub-command is found, without importing it: module below the tool, and a summary."""

    module: str
    summary: str


class Tool(NamedTuple):
    """One ``gnt-*`` program: its sub-commands and their other names."""

    name: str
    entries: dict[str, Entry]
    aliases: dict[str, str]
