"""``gnt-cluster repair-disk-sizes``: ``OP_CLUSTER_REPAIR_DISK_SIZES``.

Source: gnt-cluster(8) REPAIR-DISK-SIZES.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Record the sizes that disks have; the job's log says which were otherwise."""
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_REPAIR_DISK_SIZES", "instances": args})
    return failure.OK


COMMANDS: Final = {
    "repair-disk-sizes": Command(
        run,
        (any_number("instance"),),
        (o.DRY_RUN, o.PRIORITY),
        usage="[options...] [instance...]",
    ),
}
