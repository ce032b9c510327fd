"""``gnt-backup remove``: options -> ``OP_BACKUP_REMOVE``. Source: gnt-backup(8) REMOVE."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove an export from all nodes."""
    run_op(ctx, opts, {"OP_ID": "OP_BACKUP_REMOVE", "instance_name": args[0]})
    return failure.OK


COMMANDS: Final = {
    "remove": Command(
        run,
        (Arg("unknown"),),
        (o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {value}",
    ),
}
