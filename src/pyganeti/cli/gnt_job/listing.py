"""``gnt-job`` list and list-fields. Source: gnt-job(8) LIST."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.table import joined, timestamp
from pyganeti.cli.wanted import all_of, any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def _timestamps(value: list[Any]) -> str:
    return str(["?" if one is None else timestamp(one) for one in value])


LISTING: Final = Listing(
    "job",
    ("id", "status", "summary"),
    {
        "opend": _timestamps,
        "opexec": _timestamps,
        "opstart": _timestamps,
        "summary": joined,
    },
    key="id",
    numeric=True,
)


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List jobs, those of some states only if asked."""
    parts = [any_of(opts.status_filter or (), "status")]
    if opts.archived and not args:
        # All jobs; a look at this field makes the master read the archive.
        parts.append(["|", ["?", "archived"], ["!", ["?", "archived"]]])
    return LISTING.show(ctx, opts, args, all_of(parts))


COMMANDS: Final = {
    "list": Command(
        show,
        (any_number("jobid"),),
        (
            *LIST_OPTIONS,
            o.FORCE_FILTER,
            j.ARCHIVED,
            j.STATUS_ERROR,
            j.STATUS_FINISHED,
            j.STATUS_PENDING,
            j.STATUS_RUNNING,
        ),
        usage="[options...] [job-id...]",
    ),
    "list-fields": LISTING.fields_command(),
}
