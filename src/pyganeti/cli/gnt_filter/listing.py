"""``gnt-filter`` list, list-fields and info. Source: gnt-filter(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = ("uuid", "watermark", "priority", "predicates", "action", "reason_trail")
_LABELS: Final = ("UUID", "Watermark", "Priority", "Predicates", "Action", "Reason trail")

LISTING: Final = Listing("filter", _FIELDS, key="uuid")


def info(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named rules, or all; lists are Python's, as Ganeti prints them."""
    rows = ctx.query_client.query_filters(args, list(_FIELDS))
    missing = sorted(set(args) - {row[0] for row in rows})
    if missing:
        raise OpPrereqError(f"job filter {missing[0]!r} not known", ECode.NOENT)
    if opts.format != "table":
        ctx.dump(opts, [dict(zip(_FIELDS, row, strict=True)) for row in rows], _FIELDS)
        return failure.OK
    for row in rows:
        for number, (label, value) in enumerate(zip(_LABELS, row, strict=True)):
            ctx.say(f"{'  ' if number else ''}{label}: {value}")
    return failure.OK


COMMANDS: Final = {
    "info": Command(info, (any_number("filter"),), (o.FORMAT,), usage="[filter-uuid...]"),
    "list": Command(
        LISTING.show,
        (any_number("filter"),),
        LIST_OPTIONS,
        usage="[options...] [filter-uuid...]",
    ),
    "list-fields": LISTING.fields_command(),
}
