"""``list`` and ``list-fields`` of all tools: a query, printed as a table.

    -o, names, filter -> Query -> table; exit code 14 when a field is not known

Source: the LIST sections of the manual pages; ganeti(7) "Query filters".
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, table
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

FILTER_CHARS: Final = frozenset(" !'()/<=>\"\\\f\n\r\t\v~")
GLOB_CHARS: Final = frozenset("*?")
_MAX_DIGITS: Final = 18
_KINDS: Final = {
    "unknown": "Unknown",
    "text": "Text",
    "bool": "Boolean",
    "number": "Number",
    "float": "Floating-point number",
    "unit": "Storage size",
    "timestamp": "Timestamp",
    "other": "Custom",
}


class Listing:
    """How one resource is listed.

    Args:
        what: the resource's name in queries.
        fields: what is shown without ``-o``.
        formats: fields that are not printed by their kind alone.
        key: the field that names an object.
        numeric: whether names are numbers.
    """

    def __init__(
        self,
        what: str,
        fields: Sequence[str],
        formats: Mapping[str, table.Formatter] | None = None,
        *,
        key: str = "name",
        numeric: bool = False,
    ) -> None:
        self.what = what
        self.fields = list(fields)
        self.formats = formats or {}
        self.key = key
        self.numeric = numeric

    def show(
        self, ctx: "Context", opts: "Values", args: list[str], extra: list[Any] | None = None
    ) -> int:
        """Query and print; ``extra`` is a filter that must hold as well."""
        qfilter = self.make_filter(args, force=getattr(opts, "force_filter", False))
        both = [part for part in (qfilter, extra) if part]
        answer = ctx.query_client.query(
            self.what,
            parse_fields(opts.output, self.fields),
            ["&", *both] if len(both) > 1 else both[0] if both else None,
        )
        if getattr(opts, "format", "table") != "table":
            self._dump(ctx, opts, answer)
        else:
            for line in self._lines(answer, opts):
                ctx.say(line)
        return warn_unknown(ctx, answer["fields"])

    @staticmethod
    def _dump(ctx: "Context", opts: "Values", answer: dict[str, Any]) -> None:
        from pyganeti.cli.dump import objects

        names = [field["name"] for field in answer["fields"]]
        verbose = getattr(opts, "verbose", False)
        found = objects(names, answer["data"], opts.format, verbose=verbose)
        ctx.dump(opts, found, names)

    def _lines(self, answer: dict[str, Any], opts: "Values") -> list[str]:
        units = getattr(opts, "units", None) or ("h" if opts.separator is None else "m")
        verbose = getattr(opts, "verbose", False)
        forms = [
            self.formats.get(field["name"]) or table.formatter_for(field["kind"], units)
            for field in answer["fields"]
        ]
        rows = [
            [
                table.cell(value, form, verbose=verbose)
                for value, form in zip(row, forms, strict=True)
            ]
            for row in answer["data"]
        ]
        return table.lines(
            [table.column_for(field) for field in answer["fields"]],
            rows,
            headers=not opts.no_headers,
            separator=opts.separator,
        )

    def make_filter(self, args: list[str], *, force: bool = False) -> list[Any] | None:
        """Names and patterns as a query filter.

        A single argument with a character that no name has is a filter in the query language.

        Args:
            args: what the command was given.
            force: the only argument is a filter, whatever it looks like.

        Raises:
            QueryFilterParseError: it is no filter.
            OpPrereqError: a name that must be a number is none; not one argument with ``force``.
        """
        if force and len(args) != 1:
            raise OpPrereqError("Exactly one argument must be given as a filter", ECode.INVAL)
        if force or (len(args) == 1 and FILTER_CHARS & set(args[0])):
            # Only here: the parser takes longer to load than a list without a filter to print.
            from pyganeti.cli.filter_text import parse_filter

            return parse_filter(args[0])
        return ["|", *(self._name_filter(name) for name in args)] if args else None

    def _name_filter(self, name: str) -> list[Any]:
        if self.numeric:
            return ["==", self.key, number(name)]
        if GLOB_CHARS & set(name):
            from pyganeti.model.names import glob_pattern

            return ["=~", self.key, glob_pattern(name)]
        return ["==", self.key, name]

    def show_fields(self, ctx: "Context", opts: "Values", args: list[str]) -> int:
        """Print what fields there are."""
        definitions = ctx.query_client.query_fields(self.what, args)
        if opts.format != "table":
            ctx.dump(opts, definitions)
            return warn_unknown(ctx, definitions)
        rows = [
            [one["name"], _KINDS.get(one["kind"], one["kind"]), one["title"], one["doc"]]
            for one in definitions
        ]
        columns = [table.Column(title) for title in ("Name", "Type", "Title", "Description")]
        for line in table.lines(
            columns, rows, headers=not opts.no_headers, separator=opts.separator
        ):
            ctx.say(line)
        return warn_unknown(ctx, definitions)

    def fields_command(self) -> Command:
        """The ``list-fields`` sub-command."""
        return Command(
            self.show_fields,
            (any_number("unknown"),),
            (o.NO_HEADERS, o.SEPARATOR, o.FORMAT),
            usage="[fields...]",
        )


def parse_fields(output: str | None, default: list[str]) -> list[str]:
    """Fields to show: ``-o a,b`` instead of the default ones, ``-o +a`` in addition."""
    if output is None:
        return default
    if output.startswith("+"):
        return [*default, *output[1:].split(",")]
    return output.split(",")


def warn_unknown(ctx: "Context", definitions: list[dict[str, str]]) -> int:
    """Name unknown fields; the command's exit code."""
    unknown = [one["name"] for one in definitions if one["kind"] == "unknown"]
    if not unknown:
        return failure.OK
    ctx.warn(f"Warning: Queried for unknown fields {', '.join(unknown)}")
    return failure.UNKNOWN_FIELD


def number(text: str) -> int:
    """A job id.

    Raises:
        OpPrereqError: not a number.
    """
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise OpPrereqError(f"{text!r} is not a job id: expected a number")
    return int(text)


LIST_OPTIONS: Final = (o.NO_HEADERS, o.SEPARATOR, o.VERBOSE, o.OUTPUT, o.FORMAT)
