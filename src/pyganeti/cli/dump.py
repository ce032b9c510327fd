"""Answers for programs: ``--format json``, ``yaml`` and ``csv``. Pure.

    objects -> text

Data is an array of objects, or one object; values are those of the query or job, not what a table
shows. Loaded only when asked for. Source: docs/man/ganeti.rst, "Output for programs".
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli.table import NORMAL, STATUS_WORDS
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

# One object: values are JSON.
Object = Mapping[str, Any]

# What shapes a table means nothing to a program; no titles mean something to CSV.
_FOR_TABLES: Final = {
    "roman_integers": "--roman",
    "separator": "--separator",
    "units": "--units",
}
_STATUS_NAMES: Final = {NORMAL: "normal"} | {
    status: word.strip("()") for status, (word, _) in STATUS_WORDS.items()
}
# Texts that are a text in every version of YAML without quotes, but for a few words.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def check(opts: "Values") -> None:
    """Refuse options that are for tables.

    Raises:
        OpPrereqError: one was given.
    """
    for dest, flag in _FOR_TABLES.items():
        if getattr(opts, dest, None):
            raise OpPrereqError(
                f"{flag} is for tables and cannot be used with --format {opts.format}: values are"
                " given as they are",
                ECode.INVAL,
            )


def dump(
    form: str,
    data: Sequence[Object] | Object,
    *,
    titles: bool = True,
    names: Sequence[str] = (),
) -> str:
    """``data`` in one of the formats, with an end to its last line.

    Args:
        form: ``json``, ``yaml`` or ``csv``.
        data: an array of objects, or one.
        titles: whether CSV begins with the line of names.
        names: members that the objects have, for the titles when there are no objects.
    """
    if form == "json":
        return _json(data)
    if form == "yaml":
        # A document each, so that what is printed again and again can be told apart.
        return "\n".join(["---", *_block(data)]) + "\n"
    return _csv([data] if isinstance(data, Mapping) else data, titles, names)


def objects(
    names: Sequence[str], rows: Iterable[Sequence[Sequence[Any]]], form: str, *, verbose: bool
) -> list[Object]:
    """Rows of a query's ``[status, value]`` as objects.

    A value that is not there is null; with ``verbose`` each value says how it is, an object of
    ``status`` and ``value``, or in CSV a word in parentheses where there is none.
    """
    if not verbose:
        shape = _value
    else:
        shape = _word if form == "csv" else _with_status
    return [{name: shape(*cell) for name, cell in zip(names, row, strict=True)} for row in rows]


def _value(status: int, value: object) -> object:
    return value if status == NORMAL else None


def _word(status: int, value: object) -> object:
    return value if status == NORMAL else STATUS_WORDS[status][0]


def _with_status(status: int, value: object) -> object:
    return {"status": _STATUS_NAMES[status], "value": _value(status, value)}


def _json(data: Sequence[Object] | Object) -> str:
    """Objects of an array, and members of a single object, on a line each."""
    if isinstance(data, Mapping):
        begin, end = "{}"
        parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items()]
    else:
        begin, end = "[]"
        parts = [json.dumps(item) for item in data]
    inner = ",\n".join(f"  {part}" for part in parts)
    return f"{begin}\n{inner}\n{end}\n" if parts else f"{begin}{end}\n"


def _csv(data: Sequence[Object], titles: bool, known: Sequence[str]) -> str:
    """RFC 4180."""
    names = list(dict.fromkeys([*known, *(name for item in data for name in item)]))
    text = io.StringIO()
    writer = csv.writer(text)
    if titles and names:
        writer.writerow(names)
    writer.writerows([_cell(item.get(name)) for name in names] for item in data)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _block(data: object) -> list[str]:
    """The lines of a value in YAML's block style."""
    if isinstance(data, Mapping) and data:
        return [line for key, value in data.items() for line in _member(str(key), value)]
    if isinstance(data, list | tuple) and data:
        return [line for item in data for line in _item(item)]
    return [_scalar(data)]


def _member(key: str, value: object) -> list[str]:
    lines = _block(value)
    if isinstance(value, Mapping | list | tuple) and value:
        return [f"{_scalar(key)}:", *(f"  {line}" for line in lines)]
    return [f"{_scalar(key)}: {lines[0]}"]


def _item(value: object) -> list[str]:
    first, *rest = _block(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _scalar(value: object) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else f'"{"".join(map(_escaped, value))}"'
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    text = json.dumps(value)
    # To YAML 1.1 a number with an exponent and without a point is a text.
    short = isinstance(value, float) and "." not in text
    return text.replace("e", ".0e") if short else text


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"
