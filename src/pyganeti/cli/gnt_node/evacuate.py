"""``gnt-node`` evacuate, migrate and failover.

    node -> its instances -> confirmation -> a job each

Source: gnt-node(8) EVACUATE, MIGRATE, FAILOVER.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_instance.moving import check_destination, migration_mode
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import Jobs, run_jobs
from pyganeti.cli.wanted import any_of
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# By which instances leave, the fields that list them.
_FIELDS: Final = {
    "all": ("pinst_list", "sinst_list"),
    "primary-only": ("pinst_list",),
    "secondary-only": ("sinst_list",),
}


def evacuate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Move instances off a node: those that run there, or those that have mirrors there."""
    check_destination(opts)
    mode = _evacuation_mode(ctx, opts)
    names = [name for field in _FIELDS[mode] for name in instances_of(ctx, args[0], field)]
    if not names:
        ctx.warn(f"No instances to evacuate on node {args[0]}, exiting.")
        return failure.OK
    if not opts.force:
        quoted = ", ".join(f"'{name}'" for name in names)
        ctx.confirm(f"Relocate instance(s) {quoted} from node '{args[0]}'?")
    op = {
        "OP_ID": "OP_NODE_EVACUATE",
        "node_name": args[0],
        "mode": mode,
        "remote_node": opts.dst_node,
        "iallocator": opts.iallocator,
        "early_release": opts.early_release,
        "ignore_soft_errors": opts.ignore_soft_errors,
    }
    done = "All instances evacuated successfully."
    return run_jobs(ctx, opts, op, when="during the evacuation", done=done)


def _evacuation_mode(ctx: "Context", opts: "Values") -> str:
    """Which instances leave.

    Raises:
        OpPrereqError: all of them, which only an allocator can do at once; or a secondary node is
            given for those that run there.
    """
    if opts.dst_node is not None and opts.primary_only:
        text = "--new-secondary is for instances that have the node as secondary one"
        raise OpPrereqError(f"{text}, --primary-only for the others: give one of them")
    if opts.dst_node is not None and not opts.secondary_only:
        ctx.warn("New secondary node given, hence evacuating secondary instances only")
        return "secondary-only"
    if opts.iallocator and not (opts.primary_only or opts.secondary_only):
        return "all"
    if opts.primary_only == opts.secondary_only:
        raise OpPrereqError("give one of --primary-only and --secondary-only")
    return "primary-only" if opts.primary_only else "secondary-only"


def migrate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Migrate the primary instances of a node."""
    check_destination(opts)
    mode = migration_mode(opts)
    names = instances_of(ctx, args[0], "pinst_list")
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
    done = "All instances migrated successfully."
    return run_jobs(ctx, opts, op, when="during the node migration", done=done)


def failover(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Fail the primary instances of a node over."""
    names = instances_of(ctx, args[0], "pinst_list")
    if not names:
        ctx.warn(f"No primary instances on node {args[0]}, exiting.")
        return failure.OK
    if not opts.force:
        ctx.confirm("Fail over instance(s) {}?".format(", ".join(f"'{name}'" for name in names)))
    pairs = _pairs(ctx, args[0]) if opts.iallocator else set()
    jobs = Jobs(ctx, opts)
    for name in names:
        op = {
            "OP_ID": "OP_INSTANCE_FAILOVER",
            "instance_name": name,
            "ignore_consistency": opts.ignore_consistency,
            "iallocator": None if name in pairs else opts.iallocator,
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


def _pairs(ctx: "Context", node: str) -> set[str]:
    """Names of the primary instances of a node that have mirrors: for them nothing is chosen."""
    wanted = ["&", ["==", "pnode", node], ["==", "disk_template", "drbd"]]
    return {str(row[0][1]) for row in ctx.query_client.query("instance", ["name"], wanted)["data"]}


def instances_of(ctx: "Context", node: str, field: str) -> list[str]:
    """Names of the instances that ``field`` of a node lists.

    Raises:
        OpPrereqError: there is no such node.
    """
    answer = ctx.query_client.query("node", [field], any_of([node]))
    return [str(name) for name in answer["data"][0][0][1]]


COMMANDS: Final = {
    "evacuate": Command(
        evacuate,
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
