"""The master's address up and down.

Source: gnt-cluster(8) ACTIVATE-MASTER-IP, DEACTIVATE-MASTER-IP.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_WARNING: Final = (
    "This takes the cluster's address down: all connections to it end, and the master is reached"
    " by its own address only. Continue?"
)


def activate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Bring the address up."""
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_ACTIVATE_MASTER_IP"})
    return failure.OK


def deactivate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Take it down, if the user agrees."""
    if not opts.confirm:
        ctx.confirm(_WARNING)
    run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_DEACTIVATE_MASTER_IP"})
    return failure.OK


COMMANDS: Final = {
    "activate-master-ip": Command(activate, (), ()),
    "deactivate-master-ip": Command(deactivate, (), (o.CONFIRM,)),
}
