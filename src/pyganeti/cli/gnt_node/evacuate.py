"""``gnt-node`` migrate and failover, and what is not built yet: evacuate.

    node -> its primary instances -> confirmation -> a job each

Source: gnt-node(8) MIGRATE, FAILOVER.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_instance.moving import check_destination, migration_mode
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built, refuse_option
from pyganeti.cli.submit import Jobs, run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def migrate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Migrate the primary instances of a node."""
    check_destination(ctx, opts)
    mode = migration_mode(opts)
    names = primary_instances(ctx, args[0])
    if not names:
        ctx.say(f"No primary instances on node {args[0]}, exiting")
        return failure.OK
    if not opts.force:
        ctx.confirm(f"Migrate instance(s) {', '.join(names)}?")
    op = {
        "OP_ID": "OP_NODE_MIGRATE",
        "node_name": args[0],
        "mode": mode,
        "iallocator": opts.iallocator,
        "target_node": opts.dst_node,
        "allow_runtime_changes": opts.allow_runtime_chgs,
        "ignore_ipolicy": opts.ignore_ipolicy,
    }
    jobs = Jobs(ctx, opts)
    for accepted, job in run_op(ctx, opts, op)["jobs"]:
        jobs.adopt(accepted, job)
    errors = sum(not done for done, _ in jobs.wait())
    if errors:
        ctx.say(f"There were {errors} errors during the node migration.")
        return failure.FAILURE
    ctx.say("All instances migrated successfully.")
    return failure.OK


def failover(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Fail the primary instances of a node over."""
    if opts.iallocator:
        refuse_option(ctx, "--iallocator")
    names = primary_instances(ctx, args[0])
    if not names:
        ctx.warn(f"No primary instances on node {args[0]}, exiting.")
        return failure.OK
    if not opts.force:
        ctx.confirm("Fail over instance(s) {}?".format(", ".join(f"'{name}'" for name in names)))
    jobs = Jobs(ctx, opts)
    for name in names:
        op = {
            "OP_ID": "OP_INSTANCE_FAILOVER",
            "instance_name": name,
            "ignore_consistency": opts.ignore_consistency,
        }
        jobs.add(name, op)
    results = jobs.run()
    errors = sum(not done for done, _ in results)
    if errors:
        ctx.say(
            "There were errors during the failover:\n"
            f"{errors} error(s) out of {len(results)} instance(s)."
        )
        return failure.FAILURE
    ctx.say(f"All {len(results)} instance(s) failed over successfully.")
    return failure.OK


def primary_instances(ctx: "Context", node: str) -> list[str]:
    """Names of the instances whose primary node this is.

    Raises:
        OpPrereqError: there is no such node.
    """
    answer = ctx.query_client.query("node", ["pinst_list"], ["|", ["==", "name", node]])
    return [str(name) for name in answer["data"][0][0][1]]


COMMANDS: Final = {
    "evacuate": Command(
        not_built,
        (Arg("node"),),
        (
            o.FORCE,
            o.IALLOCATOR,
            n.IGNORE_SOFT_ERRORS,
            o.NEW_SECONDARY,
            o.EARLY_RELEASE,
            o.PRIORITY,
            n.PRIMARY_ONLY,
            n.SECONDARY_ONLY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {node}",
    ),
    "failover": Command(
        failover,
        (Arg("node"),),
        (o.FORCE, o.IGNORE_CONSISTENCY, o.IALLOCATOR, o.PRIORITY),
        usage="[options...] {node}",
    ),
    "migrate": Command(
        migrate,
        (Arg("node"),),
        (
            o.FORCE,
            o.LIVE,
            o.MIGRATION_MODE,
            o.TARGET_NODE,
            o.IALLOCATOR,
            o.PRIORITY,
            o.IGNORE_IPOLICY,
            o.ALLOW_RUNTIME_CHGS,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {node}",
    ),
}
