"""``gnt-cluster epo``: emergency power-off of nodes, groups or the whole cluster, and power-on.

    off: instances stopped, what they should do remembered -> nodes switched off, never the master
    on:  nodes switched on -> each waited for -> instances started whose nodes all are there

Source: gnt-cluster(8) EPO.
"""

import socket
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import Jobs, run_op
from pyganeti.cli.wanted import any_of
from pyganeti.kit.clock import sleep_blocking
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = ("name", "master", "pip", "powered", "offline", "pinst_list", "sinst_list")
_NODED_PORT: Final = 1811
_REACH_S: Final = 1.0
_PAUSE_S: Final = 5.0
_BOOT_S: Final = 900.0
# A node by the names of its fields. Any: values of many types.
Node = dict[str, Any]


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Switch nodes off in an emergency, or on again."""
    _check(opts, args)
    nodes = _nodes(ctx, opts, args)
    switched = [node for node in nodes if _is_switched(ctx, opts, node)]
    if not opts.force:
        names = ", ".join(node["name"] for node in nodes)
        ctx.confirm(f"Really power {'on' if opts.on else 'off'} the nodes {names}?")
    return (_on if opts.on else _off)(ctx, opts, nodes, switched)


def _check(opts: "Values", args: list[str]) -> None:
    if opts.groups and opts.show_all:
        raise OpPrereqError("only one of --groups and --all can be given")
    if args and opts.show_all:
        raise OpPrereqError("--all takes no arguments")
    if not (args or opts.show_all):
        raise OpPrereqError("name nodes, groups with --groups, or give --all")


def _nodes(ctx: "Context", opts: "Values", args: list[str]) -> list[Node]:
    """The nodes meant; unknown names are refused by the master.

    Raises:
        OpPrereqError: the groups have no nodes.
    """
    names = args
    if opts.groups:
        groups = ctx.query_client.query("group", ["node_list"], any_of(args))["data"]
        names = [name for row in groups for name in row[0][1]]
        if not names:
            # A query that names no nodes would find them all.
            raise OpPrereqError(f"no nodes in the groups: {', '.join(args)}")
    rows = ctx.query_client.query("node", list(_FIELDS), any_of(names))["data"]
    return [dict(zip(_FIELDS, (value for _, value in row), strict=True)) for row in rows]


def _is_switched(ctx: "Context", opts: "Values", node: Node) -> bool:
    """Whether a node is to be switched; says why it is not.

    Raises:
        OpPrereqError: it is the master, and not all are meant.
    """
    if node["master"]:
        if not (opts.on or opts.show_all):
            text = f"node {node['name']} is the master: make another node the master first,"
            raise OpPrereqError(f"{text} or give --all to stop the whole cluster")
        return False
    if node["powered"] is None:
        ctx.say(f"Node {node['name']} has no out-of-band program, it has to be switched by hand")
        return False
    if node["powered"] == opts.on:
        ctx.say(f"Node {node['name']} is in the wanted state already, skipped")
        return False
    return True


def _off(ctx: "Context", opts: "Values", nodes: list[Node], switched: list[Node]) -> int:
    names = sorted(_instances(nodes))
    stop = {
        "OP_ID": "OP_INSTANCE_SHUTDOWN",
        "timeout": opts.shutdown_timeout,
        # They are to run again afterwards.
        "no_remember": True,
    }
    if not _for_each(ctx, opts, _up(ctx, names), stop):
        ctx.warn("Not all instances were stopped, nothing is switched off: stop them first")
        return failure.FAILURE
    return failure.OK if _switch(ctx, opts, switched, "power-off") else failure.FAILURE


def _on(ctx: "Context", opts: "Values", nodes: list[Node], switched: list[Node]) -> int:
    if not _switch(ctx, opts, switched, "power-on"):
        ctx.warn("Not all nodes could be switched on, start the others by hand")
    awaited = {node["name"]: node["pip"] for node in nodes if not node["offline"]}
    missing = _wait_for(ctx, awaited)
    if missing:
        ctx.warn(f"Nodes that do not answer: {', '.join(sorted(missing))}")
    instances = _instances([node for node in nodes if not node["offline"]])
    ready = sorted(name for name, places in instances.items() if not places & missing)
    started = _for_each(ctx, opts, _up(ctx, ready), {"OP_ID": "OP_INSTANCE_STARTUP"})
    return failure.OK if started and not missing else failure.FAILURE


def _instances(nodes: list[Node]) -> dict[str, set[str]]:
    """Instances of nodes, each with those of its nodes that are among them."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        for name in (*node["pinst_list"], *node["sinst_list"]):
            found.setdefault(name, set()).add(node["name"])
    return found


def _up(ctx: "Context", names: list[str]) -> list[str]:
    """Those that are to run, as their administrators want it."""
    if not names:
        return []
    rows = ctx.query_client.query("instance", ["name", "admin_state"], any_of(names))["data"]
    return [row[0][1] for row in rows if row[1][1] == "up"]


def _for_each(ctx: "Context", opts: "Values", names: list[str], op: dict[str, Any]) -> bool:
    """Run ``op`` for each instance; whether all succeeded. Any: opcode parameters."""
    jobs = Jobs(ctx, opts)
    for name in names:
        jobs.add(name, {**op, "instance_name": name})
    return all(done for done, _ in jobs.run()) if names else True


def _switch(ctx: "Context", opts: "Values", nodes: list[Node], command: str) -> bool:
    """Let the programs of nodes act; whether all did."""
    if not nodes:
        return True
    op = {
        "OP_ID": "OP_OOB_COMMAND",
        "node_names": [node["name"] for node in nodes],
        "command": command,
        # They are not marked offline: they come back.
        "ignore_status": True,
        "timeout": opts.oob_timeout,
        "power_delay": opts.power_delay,
    }
    good = True
    for (_, name), (status, _) in run_op(ctx, opts, op):
        if status:
            ctx.warn(f"There was a problem with {command} of {name}, please look after it")
            good = False
    return good


def _wait_for(ctx: "Context", addresses: dict[str, str]) -> set[str]:
    """Wait until the daemons of all nodes can be reached; the names of those that cannot."""
    missing = dict(addresses)
    deadline = ctx.wall_clock() + _BOOT_S
    while True:
        missing = {name: ip for name, ip in missing.items() if not _answers(ip)}
        if not missing or ctx.wall_clock() >= deadline:
            return set(missing)
        ctx.say(f"Waiting for {', '.join(sorted(missing))}")
        sleep_blocking(_PAUSE_S)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, _NODED_PORT), timeout=_REACH_S):
            return True
    except OSError:
        return False


COMMANDS: Final = {
    "epo": Command(
        run,
        (any_number("unknown"),),
        (o.FORCE, c.ON, c.GROUPS, o.SHOW_ALL, o.OOB_TIMEOUT, o.SHUTDOWN_TIMEOUT, o.POWER_DELAY),
        usage="[options...] [value...]",
    ),
}
