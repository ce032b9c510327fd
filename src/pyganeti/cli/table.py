"""Tables and single values as Ganeti prints them. Pure.

    columns, rows -> lines

Source: ganeti(7) "Field formatting"; the list commands' manual pages.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from pyganeti.model.units import format_unit

# Status of a value in a query's answer, as the word of verbose output and as its sign.
STATUS_WORDS: Final = {
    1: ("(unknown)", "??"),
    2: ("(nodata)", "?"),
    3: ("(unavail)", "-"),
    4: ("(offline)", "*"),
}
NORMAL: Final = 0
UNKNOWN: Final = 1
_RIGHT: Final = frozenset({"number", "float", "unit"})
# Turns a value into text; the value's type depends on the field.
Formatter = Callable[[Any], str]


class Column(NamedTuple):
    """One column: its title, and whether its values stand at the right."""

    title: str
    right: bool = False


def lines(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    *,
    headers: bool,
    separator: str | None,
) -> list[str]:
    """The table's lines; without a separator the columns are aligned."""
    table = [list(row) for row in rows]
    if headers:
        table.insert(0, [column.title for column in columns])
    if separator is not None:
        return [separator.join(row) for row in table]
    widths = [max((len(row[i]) for row in table), default=0) for i in range(len(columns))]
    if columns and not columns[-1].right:
        # The last column is not padded, or every line would end in blanks.
        widths[-1] = 0
    return [
        " ".join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        for row in table
    ]


def column_for(definition: dict[str, str]) -> Column:
    """The column of a queried field."""
    return Column(definition["title"], definition["kind"] in _RIGHT)


def formatter_for(kind: str, units: str) -> Formatter:
    """How values of a field's kind are printed."""
    if kind == "unit":
        return lambda value: format_unit(value, units)
    return _FORMATTERS.get(kind, str)


def cell(value: Sequence[Any], form: Formatter, *, verbose: bool) -> str:
    """A queried value ``[status, value]`` as text."""
    status, content = value
    if status == NORMAL:
        return form(content)
    word, sign = STATUS_WORDS[status]
    return word if verbose else sign


def timestamp(value: object) -> str:
    """Seconds since the epoch, or ``[seconds, microseconds]``, as local time."""
    if value is None:
        return "N/A"
    if isinstance(value, int | float):
        try:
            return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value))
        except (OSError, OverflowError, ValueError):
            # So far away that it has no date.
            return "?"
    if isinstance(value, list | tuple) and len(value) == 2:
        return f"{timestamp(value[0])}.{value[1]:06d}"
    return "?"


def yes_no(value: object) -> str:
    """``Y`` or ``N``."""
    return "Y" if value else "N"


def joined(value: Iterable[object]) -> str:
    """A list in one cell."""
    return ",".join(str(item) for item in value)


_FORMATTERS: Final[dict[str, Formatter]] = {"bool": yes_no, "timestamp": timestamp}
