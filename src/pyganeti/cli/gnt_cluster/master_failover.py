"""``gnt-cluster master-failover``: options -> ``master.failover.command``.

The master may be gone, so this one calls the master's package itself, on the node that is to become
the master.

Source: gnt-cluster(8) MASTER-FAILOVER.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.parse import parse_bool

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_QUESTION: Final = (
    "Without voting, the failover is done even if most nodes are down and if what this node knows"
    " is old. Changes can be lost, and if the old master still runs there will be two. See"
    " gnt-cluster(8) first. Continue?"
)


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Make this node the master."""
    # A string by the facts; Ganeti takes any for a yes.
    ignore_offline = parse_bool(str(opts.ignore_offline_nodes))
    if opts.no_voting and not opts.yes_do_it and ctx.ask(_QUESTION) != "y":
        return failure.FAILURE
    from pyganeti.master.failover.command import master_failover

    master_failover(
        ctx.paths,
        voting=not opts.no_voting,
        ignore_offline=ignore_offline,
        tell=ctx.warn,
    )
    return failure.OK


COMMANDS: Final = {
    "master-failover": Command(
        run,
        (),
        (c.NO_VOTING, c.YES_DO_IT, c.IGNORE_OFFLINE_NODES),
        usage="[--no-voting [--yes-do-it]] [--ignore-offline-nodes yes|no]",
    ),
}
