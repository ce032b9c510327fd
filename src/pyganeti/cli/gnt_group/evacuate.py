"""``gnt-group evacuate``: ``OP_GROUP_EVACUATE``, then the jobs it submitted.

Source: gnt-group(8) EVACUATE.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_jobs

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def evacuate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Move all instances out of a group."""
    op = {
        "OP_ID": "OP_GROUP_EVACUATE",
        "group_name": args[0],
        "iallocator": opts.iallocator,
        "target_groups": opts.to,
        "early_release": opts.early_release,
        "sequential": opts.sequential,
        "force_failover": opts.force_failover,
    }
    done = "All instances evacuated successfully."
    return run_jobs(ctx, opts, op, when="during the evacuation", done=done)


COMMANDS: Final = {
    "evacuate": Command(
        evacuate,
        (Arg("group"),),
        (
            o.TO_GROUP,
            o.IALLOCATOR,
            o.EARLY_RELEASE,
            n.SEQUENTIAL,
            n.FORCE_FAILOVER,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {group}",
    ),
}
