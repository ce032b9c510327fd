"""``gnt-cluster destroy``: ``OP_CLUSTER_DESTROY``, then what only a dead master leaves behind.

Source: gnt-cluster(8) DESTROY.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Dissolve the cluster."""
    if not opts.yes_do_it:
        ctx.warn(
            "Destroying a cluster destroys all its data for good. Supply --yes-do-it to go ahead."
        )
        return failure.FAILURE
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_DESTROY"})
    # The job has ended and the daemon waits to be stopped: the rest is done without it.
    from pyganeti.master.bootstrap import finalize_destroy

    finalize_destroy(ctx.paths)
    return failure.OK


COMMANDS: Final = {"destroy": Command(run, (), (o.YES_REALLY,), usage="--yes-do-it")}
