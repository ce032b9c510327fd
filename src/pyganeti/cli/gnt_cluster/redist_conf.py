"""``gnt-cluster redist-conf``: ``OP_CLUSTER_REDIST_CONF``. Source: gnt-cluster(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Send the configuration to all nodes again."""
    # --yes-do-it is for redistribution without a master daemon, which there is none of here.
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_REDIST_CONF"})
    return failure.OK


COMMANDS: Final = {
    "redist-conf": Command(run, (), (c.YES_DO_IT, *o.JOB_DRY_RUN)),
}
