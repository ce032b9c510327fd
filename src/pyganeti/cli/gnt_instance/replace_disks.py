"""``gnt-instance replace-disks``: one side of mirrored disks. Source: gnt-instance(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def replace_disks(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Replace the disks on one node, or the secondary node."""
    modes = {
        "replace_on_primary": opts.on_primary,
        "replace_on_secondary": opts.on_secondary,
        "replace_auto": opts.auto,
        "replace_new_secondary": opts.dst_node is not None or opts.iallocator is not None,
    }
    chosen = [mode for mode, asked in modes.items() if asked]
    if len(chosen) != 1 or (opts.dst_node is not None and opts.iallocator is not None):
        text = "one and only one of the -p, -s, -a, -n and -I options must be passed"
        raise OpPrereqError(text)
    op = {
        "OP_ID": "OP_INSTANCE_REPLACE_DISKS",
        "instance_name": args[0],
        "disks": _indices(opts.disks),
        "remote_node": opts.dst_node,
        "iallocator": opts.iallocator,
        "mode": chosen[0],
        "early_release": opts.early_release,
        "ignore_ipolicy": opts.ignore_ipolicy,
    }
    run_op(ctx, opts, op)
    return failure.OK


def _indices(text: str | None) -> list[int]:
    """``0,2`` as numbers.

    Raises:
        OpPrereqError: one is none.
    """
    if text is None:
        return []
    words = text.split(",")
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise OpPrereqError(f"invalid disk indices {text!r}: not numbers")
    return [int(word) for word in words]


COMMANDS: Final = {
    "replace-disks": Command(
        replace_disks,
        (Arg("instance"),),
        (
            i.AUTO,
            i.REPLACE_DISKS,
            o.IALLOCATOR,
            o.EARLY_RELEASE,
            o.NEW_SECONDARY,
            i.ON_PRIMARY,
            i.ON_SECONDARY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.DRY_RUN,
            o.PRIORITY,
            o.IGNORE_IPOLICY,
        ),
        usage="[options...] {-p|-s|-a|-n node} {instance}",
    ),
}
