"""``gnt-node`` power and health by out-of-band programs, and powercycle by the node itself.

Source: gnt-node(8).
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, table
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import complete, follow, run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context
    from pyganeti.wire.luxi.client import OpDict

_COLUMNS: Final = (table.Column("Node"), table.Column("Status"))
_STOPS: Final = ("off", "cycle")


def power(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Switch nodes on or off, or ask whether they are on."""
    from pyganeti.cli.failure import JobSubmitted

    action, *nodes = args
    if action in _STOPS:
        if not nodes:
            raise OpPrereqError(f"name the nodes to be switched by 'power {action}'")
        if not opts.force:
            ctx.confirm(f"Really power {action} the nodes {', '.join(nodes)}?")
    ops = [complete(ctx, opts, op) for op in power_ops(opts, action, nodes)]
    job_id = ctx.client.submit_job(ops)
    if opts.submit_only:
        raise JobSubmitted(job_id)
    if opts.print_jobid:
        ctx.say(str(job_id))
    rows = []
    for (_, name), (status, data) in follow(ctx, job_id)[-1]:
        done = "invoked"
        if action == "status" and data is not None:
            done = "powered" if data["powered"] else "unpowered"
        rows.append((name, status, [done]))
    return _show(ctx, opts, rows)


def power_ops(opts: "Values", action: str, nodes: list[str]) -> "list[OpDict]":
    """The opcodes of one job: what is switched off is marked offline before."""
    marks: list[OpDict] = []
    if action == "off" and not opts.ignore_status:
        marks = [
            {
                "OP_ID": "OP_NODE_SET_PARAMS",
                "node_name": node,
                "offline": True,
                "auto_promote": opts.auto_promote,
            }
            for node in nodes
        ]
    switch: OpDict = {
        "OP_ID": "OP_OOB_COMMAND",
        "node_names": nodes,
        "command": f"power-{action}",
        "ignore_status": opts.ignore_status,
        "timeout": opts.oob_timeout,
        "power_delay": opts.power_delay,
    }
    return [*marks, switch]


def health(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Ask for the health of nodes."""
    op = {
        "OP_ID": "OP_OOB_COMMAND",
        "node_names": args,
        "command": "health",
        "timeout": opts.oob_timeout,
    }
    rows = [
        (name, status, [f"{item}={state}" for item, state in data or ()])
        for (_, name), (status, data) in run_op(ctx, opts, op)
    ]
    return _show(ctx, opts, rows)


# Any: the node's name, the status of its answer, and lines.
def _show(ctx: "Context", opts: "Values", rows: list[tuple[Any, int, list[str]]]) -> int:
    """A line for each that a node answered; fails when one did not."""
    cells: list[list[str]] = []
    for name, status, lines in rows:
        if status != table.NORMAL:
            cells.append([name, table.STATUS_WORDS[status][0]])
            continue
        names = [name, *[""] * len(lines)]
        cells += [list(pair) for pair in zip(names, lines or [""], strict=False)]
    for line in table.lines(_COLUMNS, cells, headers=not opts.no_headers, separator=opts.separator):
        ctx.say(line)
    answered = all(status == table.NORMAL for _, status, _ in rows)
    return failure.OK if answered else failure.FAILURE


def powercycle(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Let a node reboot at once."""
    node = args[0]
    if not opts.confirm:
        ctx.confirm(f"Are you sure you want to hard powercycle node {node}?")
    op = {"OP_ID": "OP_NODE_POWERCYCLE", "node_name": node, "force": opts.force}
    result = run_op(ctx, opts, op)
    if result:
        ctx.warn(result)
    return failure.OK


COMMANDS: Final = {
    "health": Command(
        health,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.PRIORITY, o.OOB_TIMEOUT),
        usage="[options...] [node...]",
    ),
    "power": Command(
        power,
        (Arg("choice", choices=("on", "off", "cycle", "status")), any_number("node")),
        (
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.AUTO_PROMOTE,
            o.PRIORITY,
            n.IGNORE_STATUS,
            o.FORCE,
            o.NO_HEADERS,
            o.SEPARATOR,
            o.OOB_TIMEOUT,
            o.POWER_DELAY,
        ),
        usage="[options...] {on|off|cycle|status} [node...]",
    ),
    "powercycle": Command(
        powercycle,
        (Arg("node"),),
        (o.FORCE, o.CONFIRM, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node}",
    ),
}
