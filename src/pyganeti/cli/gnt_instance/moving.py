"""``gnt-instance`` failover, migrate, move and change-group.

Source: gnt-instance(8) "Migrate/Failover/Move".
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_jobs, run_op
from pyganeti.cli.wanted import any_of
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


_MIGRATE: Final = (
    "Instance {} will be migrated. Note that migration might impact the instance if anything goes"
    " wrong (e.g. due to bugs in the hypervisor). Continue?"
)
_RECOVER: Final = (
    "Instance {} will be recovered from a migration that was interrupted: copies of it that are"
    " not the guest are ended. Continue?"
)


def failover(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Stop an instance and start it on another node."""
    name = args[0]
    check_destination(opts)
    if not opts.force:
        confirm(
            ctx,
            name,
            f"Failover will happen to image {name}."
            " This requires a shutdown of the instance. Continue?",
        )
    op = {
        "OP_ID": "OP_INSTANCE_FAILOVER",
        "instance_name": name,
        "ignore_consistency": opts.ignore_consistency,
        "shutdown_timeout": opts.shutdown_timeout,
        "iallocator": opts.iallocator,
        "target_node": opts.dst_node,
        "ignore_ipolicy": opts.ignore_ipolicy,
        "cleanup": opts.cleanup,
    }
    run_op(ctx, opts, op)
    return failure.OK


def migrate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Move a running instance to another node."""
    name = args[0]
    check_destination(opts)
    mode = migration_mode(opts)
    if not opts.force:
        confirm(ctx, name, _RECOVER.format(name) if opts.cleanup else _MIGRATE.format(name))
    op = {
        "OP_ID": "OP_INSTANCE_MIGRATE",
        "instance_name": name,
        "mode": mode,
        "cleanup": opts.cleanup,
        "iallocator": opts.iallocator,
        "target_node": opts.dst_node,
        "allow_failover": opts.allow_failover,
        "allow_runtime_changes": opts.allow_runtime_chgs,
        "ignore_ipolicy": opts.ignore_ipolicy,
        "ignore_hvversions": opts.ignore_hvversions,
    }
    run_op(ctx, opts, op)
    return failure.OK


def move(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Copy an instance to another node."""
    name = args[0]
    if not opts.node:
        raise OpPrereqError("no target node given, name the one to copy it to with -n")
    if not opts.force:
        confirm(
            ctx,
            name,
            f"Instance {name} will be moved. This requires a shutdown of the instance. Continue?",
        )
    op = {
        "OP_ID": "OP_INSTANCE_MOVE",
        "instance_name": name,
        "target_node": opts.node,
        "compress": opts.compress,
        "shutdown_timeout": opts.shutdown_timeout,
        "ignore_consistency": opts.ignore_consistency,
        "ignore_ipolicy": opts.ignore_ipolicy,
    }
    run_op(ctx, opts, op)
    return failure.OK


def change_group(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Move an instance to another node group."""
    name = args[0]
    op = {
        "OP_ID": "OP_INSTANCE_CHANGE_GROUP",
        "instance_name": name,
        "iallocator": opts.iallocator,
        "target_groups": list(opts.to) if opts.to else None,
        "early_release": opts.early_release,
    }
    when = f"while changing group of instance '{name}'"
    done = f"Changed group of instance '{name}' successfully."
    return run_jobs(ctx, opts, op, when=when, done=done)


def migration_mode(opts: "Values") -> str | None:
    """How to migrate, where that was said; otherwise the hypervisor's parameters decide.

    Raises:
        OpPrereqError: it was said twice.
    """
    if opts.live:
        return str(opts.migration_mode) if opts.migration_mode else None
    if opts.migration_mode is not None:
        raise OpPrereqError("only one of --non-live and --migration-mode can be given")
    return "non-live"


def check_destination(opts: "Values") -> None:
    """Refuse two ways to choose the node.

    Raises:
        OpPrereqError: both are given.
    """
    if opts.iallocator and opts.dst_node:
        text = "either an allocator (-I) or a target node (-n) can be given, but not both"
        raise OpPrereqError(text)


def confirm(ctx: "Context", name: str, question: str) -> None:
    """Ask about the instance; its mistyped name is found out before the question."""
    ctx.query_client.query("instance", ["name"], any_of([name]))
    ctx.confirm(question)


COMMANDS: Final = {
    "change-group": Command(
        change_group,
        (Arg("instance"),),
        (o.TO_GROUP, o.IALLOCATOR, o.EARLY_RELEASE, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {instance}",
    ),
    "failover": Command(
        failover,
        (Arg("instance"),),
        (
            o.FORCE,
            o.IGNORE_CONSISTENCY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.SHUTDOWN_TIMEOUT,
            o.DRY_RUN,
            o.PRIORITY,
            o.TARGET_NODE,
            o.IALLOCATOR,
            o.IGNORE_IPOLICY,
            i.CLEANUP,
        ),
        usage="[options...] {instance}",
    ),
    "migrate": Command(
        migrate,
        (Arg("instance"),),
        (
            o.FORCE,
            o.LIVE,
            o.MIGRATION_MODE,
            i.CLEANUP,
            o.DRY_RUN,
            o.PRIORITY,
            o.TARGET_NODE,
            o.IALLOCATOR,
            i.ALLOW_FAILOVER,
            o.IGNORE_IPOLICY,
            i.IGNORE_HVVERSIONS,
            o.ALLOW_RUNTIME_CHGS,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {instance}",
    ),
    "move": Command(
        move,
        (Arg("instance"),),
        (
            o.FORCE,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            i.NODE,
            i.COMPRESS,
            o.SHUTDOWN_TIMEOUT,
            o.DRY_RUN,
            o.PRIORITY,
            o.IGNORE_CONSISTENCY,
            o.IGNORE_IPOLICY,
        ),
        usage="[options...] {instance}",
    ),
}
