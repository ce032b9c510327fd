"""``gnt-node restricted-command``: a command that the nodes' administrators have allowed.

Source: gnt-node(8) RESTRICTED-COMMAND.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.cli.wanted import online_nodes
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_RULE: Final = "------------------------------------------------"


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Run a command on nodes, and print what it said on each."""
    command, *names = args
    nodes = _online(ctx, opts, names)
    op = {
        "OP_ID": "OP_RESTRICTED_COMMAND",
        "command": command,
        "nodes": nodes,
        "use_locking": opts.do_locking,
    }
    code = failure.OK
    for node, (done, text) in zip(nodes, run_op(ctx, opts, op), strict=True):
        ctx.say(_RULE)
        if not done:
            code = failure.FAILURE
            ctx.say(text)
        elif opts.show_machine_names:
            for line in text.splitlines():
                ctx.say(f"{node}: {line}")
        else:
            ctx.say(f"Node: {node}\n{text.rstrip()}")
    return code


def _online(ctx: "Context", opts: "Values", names: list[str]) -> list[str]:
    """Full names of the nodes meant that are not offline.

    Raises:
        OpPrereqError: neither nodes nor a group are named, or none of them is online.
    """
    if not (names or opts.nodegroup):
        raise OpPrereqError("node group or node names must be given")
    qfilter = online_nodes(names, opts.nodegroup)
    rows = ctx.query_client.query("node", ["name"], qfilter)["data"]
    if not rows:
        raise OpPrereqError("none of these nodes is online")
    return [str(row[0][1]) for row in rows]


COMMANDS: Final = {
    "restricted-command": Command(
        run,
        (Arg("unknown"), any_number("node")),
        (n.DO_LOCKING, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID, o.SHOW_MACHINE_NAMES, o.NODEGROUP),
        usage="[options...] {value} [node...]",
    ),
}
