"""``gnt-backup list`` and ``list-fields``: exports of instances.

Source: gnt-backup(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.listing import Listing
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

LISTING: Final = Listing("export", ("node", "export"), key="node")


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the exports that the named nodes keep, or all."""
    return LISTING.show(ctx, opts, [], any_of(opts.nodes or (), "node"))


COMMANDS: Final = {
    "list": Command(
        show,
        (),
        (o.NODES, o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, o.VERBOSE, o.FORMAT),
    ),
    "list-fields": LISTING.fields_command(),
}
