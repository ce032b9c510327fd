"""``gnt-backup export``: options -> ``OP_BACKUP_EXPORT``. Source: gnt-backup(8) EXPORT."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Export an instance to a node."""
    if not opts.node:
        raise OpPrereqError("no target node given, choose one with -n")
    op = {
        "OP_ID": "OP_BACKUP_EXPORT",
        "instance_name": args[0],
        "target_node": opts.node,
        "mode": "local",
        "compress": opts.transport_compression,
        "shutdown": opts.shutdown,
        "shutdown_timeout": opts.shutdown_timeout,
        "remove_instance": opts.remove_instance,
        "ignore_remove_failures": opts.ignore_remove_failures,
        "zero_free_space": opts.zero_free_space,
        "zeroing_timeout_fixed": opts.zeroing_timeout_fixed,
        "zeroing_timeout_per_mib": opts.zeroing_timeout_per_mib,
        "long_sleep": opts.long_sleep,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "export": Command(
        run,
        (Arg("instance"),),
        (
            o.FORCE,
            i.NODE,
            i.TRANSPORT_COMPRESSION,
            i.SHUTDOWN,
            o.SHUTDOWN_TIMEOUT,
            i.REMOVE_INSTANCE,
            i.IGNORE_REMOVE_FAILURES,
            o.DRY_RUN,
            o.PRIORITY,
            i.ZERO_FREE_SPACE,
            i.ZEROING_TIMEOUT_FIXED,
            i.ZEROING_TIMEOUT_PER_MIB,
            i.LONG_SLEEP,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {instance}",
    ),
}
