"""``gnt-network`` add, modify, remove and rename: options -> an opcode each.

Source: gnt-network(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_list
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def _names(text: str | None) -> list[str] | None:
    return None if text is None else parse_list(text)


def add(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Create a network."""
    if opts.network is None:
        raise OpPrereqError("the --network option must be given")
    op = {
        "OP_ID": "OP_NETWORK_ADD",
        "network_name": args[0],
        "network": opts.network,
        "gateway": opts.gateway,
        "network6": opts.network6,
        "gateway6": opts.gateway6,
        "mac_prefix": opts.mac_prefix,
        "add_reserved_ips": _names(opts.add_reserved_ips),
        "conflicts_check": opts.conflicts_check,
        "tags": _names(opts.tags) or [],
    }
    run_op(ctx, opts, op)
    return failure.OK


def modify(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change a network."""
    values = {
        "gateway": opts.gateway,
        "network6": opts.network6,
        "gateway6": opts.gateway6,
        "mac_prefix": opts.mac_prefix,
        "add_reserved_ips": _names(opts.add_reserved_ips),
        "remove_reserved_ips": _names(opts.remove_reserved_ips),
    }
    changes = {key: value for key, value in values.items() if value is not None}
    if not changes:
        raise OpPrereqError("please give at least one of the parameters")
    run_op(ctx, opts, {"OP_ID": "OP_NETWORK_SET_PARAMS", "network_name": args[0], **changes})
    return failure.OK


def remove(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove a network."""
    op = {"OP_ID": "OP_NETWORK_REMOVE", "network_name": args[0], "force": opts.force}
    run_op(ctx, opts, op)
    return failure.OK


def rename(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Give a network another name."""
    old, new = args
    run_op(ctx, opts, {"OP_ID": "OP_NETWORK_RENAME", "network_name": old, "new_name": new})
    return failure.OK


COMMANDS: Final = {
    "add": Command(
        add,
        (Arg("network"),),
        (
            o.DRY_RUN,
            n.NETWORK,
            n.GATEWAY,
            n.ADD_RESERVED_IPS,
            o.MAC_PREFIX,
            n.NETWORK6,
            n.GATEWAY6,
            o.CONFLICTS_CHECK,
            o.TAGS,
            o.PRIORITY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {network}",
    ),
    "modify": Command(
        modify,
        (Arg("network"),),
        (
            o.DRY_RUN,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.ADD_RESERVED_IPS,
            n.REMOVE_RESERVED_IPS,
            n.GATEWAY,
            o.MAC_PREFIX,
            n.NETWORK6,
            n.GATEWAY6,
            o.PRIORITY,
        ),
        usage="[options...] {network}",
    ),
    "remove": Command(
        remove,
        (Arg("network"),),
        (o.FORCE, o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {network}",
    ),
    "rename": Command(
        rename,
        (Arg("group", 2, 2),),
        (o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {network} {network}",
    ),
}
