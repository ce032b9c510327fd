"""``gnt-node remove``: ``OP_NODE_REMOVE``. Source: gnt-node(8) REMOVE."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove a node from the cluster."""
    run_op(ctx, opts, {"OP_ID": "OP_NODE_REMOVE", "node_name": args[0]})
    return failure.OK


COMMANDS: Final = {
    "remove": Command(run, (Arg("node"),), (o.DRY_RUN, o.PRIORITY), usage="{node}"),
}
