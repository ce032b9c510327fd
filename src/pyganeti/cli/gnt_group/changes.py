"""``gnt-group`` add, modify, remove, rename and assign-nodes: options -> an opcode each.

Source: gnt-group(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import by_name, disk_state
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.policy import policy_from
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_IPOLICY: Final = (
    o.IPOLICY_BOUNDS_SPECS,
    o.IPOLICY_DISK_TEMPLATES,
    o.IPOLICY_VCPU_RATIO,
    o.IPOLICY_SPINDLE_RATIO,
)


def settings(opts: "Values") -> OpDict:
    """What the options say of a group; what was not given is left out."""
    values = {
        "alloc_policy": opts.alloc_policy,
        "disk_state": disk_state(opts.disk_state),
        "diskparams": by_name(opts.diskparams, "-D"),
        "hv_state": by_name(opts.hv_state, "--hypervisor-state"),
        "ipolicy": policy_from(opts, group=True),
        "ndparams": opts.ndparams,
    }
    return {key: value for key, value in values.items() if value}


def add(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Create a group."""
    run_op(ctx, opts, {"OP_ID": "OP_GROUP_ADD", "group_name": args[0], **settings(opts)})
    return failure.OK


def modify(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change a group and print parameters that were changed."""
    changes = settings(opts)
    if not changes:
        raise OpPrereqError("please give at least one of the parameters")
    op = {"OP_ID": "OP_GROUP_SET_PARAMS", "group_name": args[0], **changes}
    result = run_op(ctx, opts, op)
    if result:
        ctx.say(f"Modified node group {args[0]}")
        for name, value in result:
            ctx.say(f" - {name:<5} -> {value}")
    return failure.OK


def remove(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove a group."""
    run_op(ctx, opts, {"OP_ID": "OP_GROUP_REMOVE", "group_name": args[0]})
    return failure.OK


def rename(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Give a group another name."""
    old, new = args
    run_op(ctx, opts, {"OP_ID": "OP_GROUP_RENAME", "group_name": old, "new_name": new})
    return failure.OK


def assign_nodes(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Move nodes into a group."""
    group, *nodes = args
    if not nodes:
        raise OpPrereqError("please name the nodes that are to be moved")
    op = {
        "OP_ID": "OP_GROUP_ASSIGN_NODES",
        "group_name": group,
        "nodes": nodes,
        "force": opts.force,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "add": Command(
        add,
        (Arg("group"),),
        (
            o.DRY_RUN,
            n.ALLOC_POLICY,
            o.NDPARAMS,
            o.DISKPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            o.PRIORITY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            *_IPOLICY,
        ),
        usage="[options...] {group}",
    ),
    "assign-nodes": Command(
        assign_nodes,
        (Arg("group"), any_number("node")),
        (o.DRY_RUN, o.FORCE, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {group} [node...]",
    ),
    "modify": Command(
        modify,
        (Arg("group"),),
        (
            o.DRY_RUN,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.ALLOC_POLICY,
            o.NDPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            o.DISKPARAMS,
            o.PRIORITY,
            *_IPOLICY,
        ),
        usage="[options...] {group}",
    ),
    "remove": Command(
        remove,
        (Arg("group"),),
        (o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {group}",
    ),
    "rename": Command(
        rename,
        (Arg("group", 2, 2),),
        (o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {group} {group}",
    ),
}
