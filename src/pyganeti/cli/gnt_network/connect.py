"""``gnt-network`` connect and disconnect: a job for each node group, one after the other.

Source: gnt-network(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# What a NIC has without any setting; a network's NICs do not inherit the cluster's settings.
NICPARAMS: Final = {"mode": "bridged", "link": "xen-br0", "vlan": ""}


def connect(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Connect a network to the named groups, or to all."""
    unknown = sorted(opts.nicparams.keys() - NICPARAMS)
    if unknown:
        expected = ", ".join(NICPARAMS)
        raise OpPrereqError(f"-N: unknown parameter {unknown[0]!r}, expected {expected}")
    nicparams = {**NICPARAMS, **opts.nicparams}
    for group in _groups(ctx, args[1:]):
        op = {
            "OP_ID": "OP_NETWORK_CONNECT",
            "network_name": args[0],
            "group_name": group,
            "network_mode": nicparams["mode"],
            "network_link": nicparams["link"],
            "network_vlan": nicparams["vlan"],
            "conflicts_check": opts.conflicts_check,
        }
        run_op(ctx, opts, op)
    return failure.OK


def disconnect(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Disconnect a network from the named groups, or from all."""
    for group in _groups(ctx, args[1:]):
        op = {
            "OP_ID": "OP_NETWORK_DISCONNECT",
            "network_name": args[0],
            "group_name": group,
        }
        run_op(ctx, opts, op)
    return failure.OK


def _groups(ctx: "Context", names: list[str]) -> list[str]:
    if names:
        return names
    rows = ctx.query_client.query("group", ["name"], None)["data"]
    return [str(name) for ((_, name),) in rows]


COMMANDS: Final = {
    "connect": Command(
        connect,
        (Arg("network"), any_number("group")),
        (o.CONFLICTS_CHECK, o.PRIORITY, o.NICPARAMS),
        usage="[options...] {network} [group...]",
    ),
    "disconnect": Command(
        disconnect,
        (Arg("network"), any_number("group")),
        (o.PRIORITY,),
        usage="[options...] {network} [group...]",
    ),
}
