"""``gnt-node modify``: options -> ``OP_NODE_SET_PARAMS``. Source: gnt-node(8) MODIFY."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_cluster.settings import by_name, disk_state
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change a node and print what was changed."""
    values = {
        "disk_state": disk_state(opts.disk_state) or None,
        "drained": opts.drained,
        "hv_state": by_name(opts.hv_state, "--hypervisor-state") or None,
        "master_candidate": opts.master_candidate,
        "master_capable": opts.master_capable,
        "ndparams": opts.ndparams or None,
        "offline": opts.offline,
        "powered": opts.node_powered,
        "secondary_ip": opts.secondary_ip,
        "vm_capable": opts.vm_capable,
    }
    changes = {key: value for key, value in values.items() if value is not None}
    if not changes:
        raise OpPrereqError("please give at least one of the parameters")
    op = {
        "OP_ID": "OP_NODE_SET_PARAMS",
        "node_name": args[0],
        "force": opts.force,
        "auto_promote": opts.auto_promote,
        **changes,
    }
    result = run_op(ctx, opts, op)
    if result:
        ctx.say(f"Modified node {args[0]}")
        for name, value in result:
            ctx.say(f" - {name:<5} -> {value}")
    return failure.OK


COMMANDS: Final = {
    "modify": Command(
        run,
        (Arg("node"),),
        (
            o.FORCE,
            n.MASTER_CANDIDATE,
            n.DRAINED,
            n.OFFLINE,
            n.MASTER_CAPABLE,
            n.VM_CAPABLE,
            o.SECONDARY_IP,
            n.AUTO_PROMOTE,
            o.NDPARAMS,
            n.NODE_POWERED,
            o.HV_STATE,
            o.DISK_STATE,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] {node}",
    ),
}
