"""Exports of instances: listed; what reads them is not built yet.

Source: gnt-backup(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.listing import Listing
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

LISTING: Final = Listing("export", ("node", "export"), key="node")


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the exports that the named nodes keep, or all."""
    nodes = ["|", *(["==", "node", name] for name in opts.nodes)] if opts.nodes else None
    return LISTING.show(ctx, opts, [], nodes)


COMMANDS: Final = {
    "import": Command(
        not_built,
        (Arg("instance"),),
        (
            *i.CREATION,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.TAGS,
            o.DRY_RUN,
            o.PRIORITY,
            i.IDENTIFY_DEFAULTS,
            i.SRC_DIR,
            i.SRC_NODE,
            i.COMPRESS,
            o.IGNORE_IPOLICY,
            i.HELPER_STARTUP_TIMEOUT,
            i.HELPER_SHUTDOWN_TIMEOUT,
        ),
        usage="[options...] {instance}",
    ),
    "list": Command(
        show,
        (),
        (o.NODES, o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, o.VERBOSE, o.FORMAT),
    ),
    "list-fields": LISTING.fields_command(),
}
