"""``gnt-cluster`` command and copyfile: over ssh, or in a local shell for virtual nodes.

Source: gnt-cluster(8) COMMAND, COPYFILE.
"""

import os
from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command, at_least_one
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import online_nodes
from pyganeti.kit.ssh import scp_command, ssh_command
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context
    from pyganeti.kit.process import Command as Program

# A command may take as long as it likes; a day ends what hangs.
_TIMEOUT_S: Final = 86400.0


class Target:
    """A node to act on: how ssh reaches it and, for copies, its secondary address."""

    def __init__(self, name: str, secondary_ip: str, port: int) -> None:
        self.name = name
        self.secondary_ip = secondary_ip
        self.port = port


def targets(ctx: "Context", opts: "Values") -> list[Target]:
    """Nodes that are online, in the master's order, the master last."""
    qfilter = online_nodes(opts.nodes or (), opts.nodegroup)
    fields = ["name", "sip", "ndp/ssh_port", "master"]
    rows = ctx.query_client.query("node", fields, qfilter)["data"]
    values = [[value for _, value in row] for row in rows]
    values.sort(key=lambda row: bool(row[3]))
    return [Target(name, secondary, port or 22) for name, secondary, port, _ in values]


def command(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Run a command on each node, one after the other."""
    from pyganeti.kit.process import run_blocking

    code = failure.OK
    text = " ".join(args)
    for target in targets(ctx, opts):
        done = run_blocking(_program(ctx, target, text))
        if done.code:
            code = failure.FAILURE
        elif opts.failure_only:
            continue
        _report(ctx, opts, target.name, done.code, done.stdout + done.stderr)
    return code


def _report(ctx: "Context", opts: "Values", node: str, code: int, output: str) -> None:
    rule = "------------------------------------------------"
    if opts.show_machine_names:
        for line in output.splitlines():
            ctx.say(f"{node}: {line}")
    else:
        ctx.say(f"{rule}\nnode: {node}\n{output.rstrip()}")
    ctx.say(f"return code = {code}")


def _program(ctx: "Context", target: Target, text: str) -> "Program":
    from pyganeti.kit.process import Command as Program

    every_code = frozenset(range(-64, 256))
    if not ctx.paths.is_virtual:
        argv = ssh_command(ctx.paths, target.name, ["sh", "-c", text], port=target.port)
        return Program(tuple(argv), timeout_s=_TIMEOUT_S, ok_codes=every_code)
    root = sibling_root(ctx, target.name)
    env = {**ctx.env, "GANETI_ROOTDIR": root, "GANETI_HOSTNAME": target.name}
    argv = ["/bin/sh", "-c", text]
    return Program(tuple(argv), env=env, timeout_s=_TIMEOUT_S, ok_codes=every_code, cwd=root)


def sibling_root(ctx: "Context", node: str) -> str:
    """The directory of another virtual node of this cluster."""
    return os.path.join(os.path.dirname(ctx.paths.rootdir), node)


def copyfile(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Copy a file of this node to the same place on others."""
    source = os.path.abspath(args[0])
    if not os.path.isfile(source):
        raise OpPrereqError(f"no such file: {source}")
    own = ctx.paths.hostname or None
    code = failure.OK
    for target in targets(ctx, opts):
        if target.name != own and not _copy(ctx, opts, target, source):
            ctx.warn(f"Copy of file {source} to node {target.name} failed")
            code = failure.FAILURE
    return code


def _copy(ctx: "Context", opts: "Values", target: Target, source: str) -> bool:
    from pyganeti.kit.process import ProcessError, run_attached

    if ctx.paths.is_virtual:
        if not source.startswith(ctx.paths.rootdir + "/"):
            raise OpPrereqError(f"{source} is not below this node's root {ctx.paths.rootdir}")
        inside = source[len(ctx.paths.rootdir) :]
        argv = ["cp", "-p", "--", source, sibling_root(ctx, target.name) + inside]
    else:
        host = target.secondary_ip if opts.use_replication_network else target.name
        argv = scp_command(ctx.paths, host, source, source, port=target.port)
    try:
        return run_attached(argv) == 0
    except ProcessError:
        return False


COMMANDS: Final = {
    "command": Command(
        command,
        (at_least_one("command"),),
        (o.NODES, o.NODEGROUP, o.SHOW_MACHINE_NAMES, c.FAILURE_ONLY),
        usage="[-n node...] {command...}",
    ),
    "copyfile": Command(
        copyfile,
        (Arg("file"),),
        (o.NODES, o.NODEGROUP, c.USE_REPLICATION_NETWORK),
        usage="[-n node...] {file}",
    ),
}
