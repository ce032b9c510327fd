"""``gnt-instance`` activate-disks, deactivate-disks, grow-disk.

Source: gnt-instance(8) "Disk management".
"""

from typing import TYPE_CHECKING, Final

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


def activate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Assemble the disks and print where they are: ``node:disk/0:/dev/...``."""
    op = {
        "OP_ID": "OP_INSTANCE_ACTIVATE_DISKS",
        "instance_name": args[0],
        "ignore_size": opts.ignore_size,
        "wait_for_sync": opts.wait_for_sync,
    }
    for node, name, device in run_op(ctx, opts, op):
        ctx.say(f"{node}:{name}:{device}")
    return failure.OK


def deactivate(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Disassemble the disks."""
    op = {
        "OP_ID": "OP_INSTANCE_DEACTIVATE_DISKS",
        "instance_name": args[0],
        "force": opts.force,
    }
    run_op(ctx, opts, op)
    return failure.OK


def grow(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Enlarge one disk."""
    name, index, amount = args
    if not index.isdecimal():
        raise OpPrereqError(f"invalid disk index {index!r}: not a number")
    op = {
        "OP_ID": "OP_INSTANCE_GROW_DISK",
        "instance_name": name,
        "disk": int(index),
        "amount": size("amount", amount),
        "absolute": opts.absolute,
        "wait_for_sync": opts.wait_for_sync,
        "ignore_ipolicy": opts.ignore_ipolicy,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "activate-disks": Command(
        activate,
        (Arg("instance"),),
        (i.IGNORE_SIZE, i.WAIT_FOR_SYNC, *o.JOB),
        usage="[options...] {instance}",
    ),
    "deactivate-disks": Command(
        deactivate,
        (Arg("instance"),),
        (o.FORCE, *o.JOB_DRY_RUN),
        usage="[options...] {instance}",
    ),
    "grow-disk": Command(
        grow,
        (Arg("instance"), Arg("disk"), Arg("size")),
        (i.ABSOLUTE, i.NO_WAIT_FOR_SYNC, o.IGNORE_IPOLICY, *o.JOB_DRY_RUN),
        usage="[options...] {instance} {disk} {amount}",
    ),
}
