"""``gnt-debug waits``: why jobs wait, and behind whom. Ours; Ganeti has no such command."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.gnt_debug.locks import again_and_again
from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import job as j
from pyganeti.cli.table import joined, timestamp

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def _jobs(value: list[int]) -> str:
    return joined(value) or "-"


LISTING: Final = Listing(
    "wait",
    ("id", "kind", "on", "mode", "since", "holders", "ahead"),
    {"ahead": _jobs, "holders": _jobs, "since": timestamp, "summary": joined},
    key="id",
    numeric=True,
)


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the waits of all jobs, or of those named."""
    return again_and_again(ctx, opts, lambda: LISTING.show(ctx, opts, args))


COMMANDS: Final = {
    "waits": Command(
        show, (any_number("jobid"),), (*LIST_OPTIONS, j.INTERVAL), usage="[options...] [job-id...]"
    ),
}
