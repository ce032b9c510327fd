"""``gnt-instance remove``: options -> ``OP_INSTANCE_REMOVE``. Source: gnt-instance(8) REMOVE."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove an instance and its data."""
    name = args[0]
    if not opts.force:
        # Its mistyped name is found out before the question, not after the answer.
        ctx.query_client.query("instance", ["name"], any_of([name]))
        ctx.confirm(
            f"This will remove the volumes of the instance {name}"
            " (including mirrors), thus removing all the data of the instance. Continue?"
        )
    op = {
        "OP_ID": "OP_INSTANCE_REMOVE",
        "instance_name": name,
        "ignore_failures": opts.ignore_failures,
        "shutdown_timeout": opts.shutdown_timeout,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "remove": Command(
        run,
        (Arg("instance"),),
        (o.FORCE, i.IGNORE_FAILURES, o.SHUTDOWN_TIMEOUT, *o.JOB_DRY_RUN),
        usage="[options...] {instance}",
    ),
}
