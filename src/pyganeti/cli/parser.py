"""Reads a command line with the tables of ``option.py``; builds one sub-command only.

    tables, words -> optparse -> values, arguments

optparse and not argparse: options end at the first argument, an option's value may begin with a
dash (``-B -maxmem``), and errors and help read as Ganeti's. It also loads faster.
"""

import optparse
from collections.abc import Callable, Mapping
from typing import Any, Final

from pyganeti.cli.option import Arg, Command, Option, describe, placeholder, takes_value
from pyganeti.cli.parse import (
    parse_bool,
    parse_bounds,
    parse_identkeyval,
    parse_json,
    parse_keyval,
    parse_list,
)
from pyganeti.model.errors import GenericError, OpPrereqError

# Options of every sub-command.
COMMON: Final = (
    Option(
        ("-d", "--debug"),
        "debug",
        "say more; may be given several times",
        action="count",
        default=0,
    ),
    Option(("--reason",), "reason", "why this is done; stored with the job", default=()),
)

_DICT_KINDS: Final = frozenset({"keyval", "keyprivateval"})


def _unit(text: str) -> int:
    # Most commands take no size: do not load it for them.
    from pyganeti.model.units import parse_unit

    return parse_unit(text)


def _maybe_float(text: str) -> float | str:
    return text if text == "default" else float(text)


def _filter_action(text: str) -> object:
    words = text.split()
    if len(words) == 2 and words[0] == "RATE_LIMIT" and words[1].isdecimal():
        return [words[0], int(words[1])]
    if len(words) == 1 and words[0] in ("ACCEPT", "PAUSE", "REJECT", "CONTINUE"):
        return words[0]
    raise ValueError(
        f"{text!r} is no action, expected ACCEPT, PAUSE, REJECT, CONTINUE or 'RATE_LIMIT n'"
    )


# Kinds of values besides optparse's own; each turns text into the value or raises.
CONVERTERS: Final[Mapping[str, Callable[[str], object]]] = {
    "bool": parse_bool,
    "filteraction": _filter_action,
    "identkeyval": parse_identkeyval,
    "json": parse_json,
    "keyprivateval": parse_keyval,
    "keyval": parse_keyval,
    "list": parse_list,
    "maybefloat": _maybe_float,
    "multilistidentkeyval": parse_bounds,
    "unit": _unit,
}


# optparse calls a checker with the option, its name and the text, and stores what it returns.
def _check(option: optparse.Option, flag: str, text: str) -> Any:
    try:
        return CONVERTERS[str(option.type)](text)
    except (GenericError, ValueError) as err:
        raise optparse.OptionValueError(f"option {flag}: {err}") from err


class _Option(optparse.Option):
    TYPES = (*optparse.Option.TYPES, *CONVERTERS)
    TYPE_CHECKER = {**optparse.Option.TYPE_CHECKER, **dict.fromkeys(CONVERTERS, _check)}  # noqa: RUF012


def _obsolete(option: optparse.Option, flag: str, value: object, parser: Any) -> None:
    parser.values.obsolete.append(flag)


def _initial(option: Option) -> object:
    if option.default != ():
        return option.default
    return {} if option.kind in _DICT_KINDS and option.action == "store" else []


def _add(parser: optparse.OptionParser, option: Option) -> None:
    settings: dict[str, Any] = {"action": option.action, "help": describe(option)}
    if option.action == "obsolete":
        settings.update(action="callback", callback=_obsolete)
    else:
        settings.update(dest=option.dest, default=_initial(option))
    if takes_value(option):
        settings.update(type=option.kind, metavar=placeholder(option))
    if option.choices:
        settings["choices"] = list(option.choices)
    if option.action == "store_const":
        settings["const"] = list(option.const) if isinstance(option.const, tuple) else option.const
    parser.add_option(_Option(*option.flags, **settings))


def build(program: str, name: str, command: Command, summary: str) -> optparse.OptionParser:
    """The parser of one sub-command."""
    parser = optparse.OptionParser(
        usage=f"%prog {name} {command.usage or '[options...]'}",
        description=summary,
        prog=program,
        option_class=_Option,
    )
    parser.disable_interspersed_args()
    for option in (*COMMON, *command.options):
        _add(parser, option)
    parser.set_defaults(obsolete=[])
    return parser


def check_arguments(name: str, args: tuple[Arg, ...], given: list[str]) -> None:
    """Check number and choice of the arguments.

    Raises:
        OpPrereqError: says how many there must be, or which are allowed.
    """
    least = sum(arg.least for arg in args)
    most = None if any(arg.most is None for arg in args) else sum(arg.most or 0 for arg in args)
    if len(given) < least or (most is not None and len(given) > most):
        raise OpPrereqError(f"command {name} expects {_expected(least, most)}, not {len(given)}")
    for arg, word in zip(args, given, strict=False):
        if arg.kind == "choice" and word not in arg.choices:
            raise OpPrereqError(f"{word!r} is not one of {', '.join(arg.choices)}")


def _expected(least: int, most: int | None) -> str:
    if most == 0:
        return "no arguments"
    if most == least:
        return f"exactly {least} argument(s)"
    if most is None:
        return f"at least {least} argument(s)"
    return f"{least} to {most} argument(s)"
