"""``gnt-cluster verify-disks``: finds disks that are not active, and activates them.

Source: gnt-cluster(8) VERIFY-DISKS.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import Jobs, run_op
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# Errors by node, instances to activate, missing volumes by instance. Any: JSON.
Found = list[Any]


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Check and repair; fails where that was not possible."""
    op: OpDict = {
        "OP_ID": "OP_CLUSTER_VERIFY_DISKS",
        "group_name": opts.nodegroup,
        "is_strict": not opts.no_strict,
    }
    jobs = Jobs(ctx, opts)
    for accepted, job in run_op(ctx, opts, op)["jobs"]:
        jobs.adopt(accepted, job)
    code = failure.OK
    for success, results in jobs.wait():
        if not success:
            code = failure.FAILURE
            continue
        for found in results:
            if not _treat(ctx, opts, found):
                code = failure.FAILURE
    return code


def _treat(ctx: "Context", opts: "Values", found: Found) -> bool:
    """Say what was found in a group and activate what can be; whether all is well now."""
    errors, inactive, missing = found
    for node, text in errors.items():
        ctx.say(f"Error gathering data on node {node}: {text}")
    well = not errors
    jobs = Jobs(ctx, opts)
    names = [name for name in inactive if name not in missing]
    for name in names:
        ctx.say(f"Activating disks for instance '{name}'")
        jobs.add(name, {"OP_ID": "OP_INSTANCE_ACTIVATE_DISKS", "instance_name": name})
    for name, (success, text) in zip(names, jobs.run() if names else (), strict=True):
        if not success:
            well = False
            ctx.say(f"Failed to activate disks for instance {name}: {text}")
    for name, volumes in missing.items():
        well = False
        ctx.say(f"Instance {name} has missing logical volumes:")
        for node, volume in volumes:
            ctx.say(f"\t{node} /dev/{volume}")
        ctx.say("Replace or recreate its disks.")
    return well


COMMANDS: Final = {
    "verify-disks": Command(run, (), (o.PRIORITY, o.NODEGROUP, c.NO_STRICT)),
}
