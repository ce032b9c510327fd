"""``gnt-instance recreate-disks``: options -> ``OP_INSTANCE_RECREATE_DISKS``.

Source: gnt-instance(8) RECREATE-DISKS.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_instance.add import size
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Make lost disks anew."""
    op = {
        "OP_ID": "OP_INSTANCE_RECREATE_DISKS",
        "instance_name": args[0],
        "disks": [_disk(ident, values) for ident, values in opts.disks],
        "nodes": opts.node.split(":") if opts.node else [],
        "iallocator": opts.iallocator,
    }
    run_op(ctx, opts, op)
    return failure.OK


def _disk(ident: str, values: object) -> list[Any]:  # Any: as the opcode has it
    """A disk by position, with what is to be another.

    Raises:
        OpPrereqError: the position is none, or a value is not a size or number.
    """
    if not ident.isdecimal() or not isinstance(values, dict):
        raise OpPrereqError(f"invalid disk {ident!r}: not a position")
    params = dict(values)
    if "size" in params:
        params["size"] = size(f"disk {ident}", params["size"])
    if "spindles" in params:
        if not str(params["spindles"]).isdecimal():
            raise OpPrereqError(f"disk {ident}: spindles {params['spindles']!r} is not a number")
        params["spindles"] = int(params["spindles"])
    return [int(ident), params]


COMMANDS: Final = {
    "recreate-disks": Command(
        run,
        (Arg("instance"),),
        (o.SUBMIT_ONLY, o.PRINT_JOBID, i.DISK, i.NODE_PAIR, o.DRY_RUN, o.PRIORITY, o.IALLOCATOR),
        usage="[options...] {instance}",
    ),
}
