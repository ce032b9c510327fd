"""``gnt-instance startup``: options -> ``OP_INSTANCE_STARTUP`` for each selected instance.

Source: gnt-instance(8) STARTUP.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli.gnt_instance import selection
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Start the selected instances."""

    def make(name: str) -> OpDict:
        op: OpDict = {
            "OP_ID": "OP_INSTANCE_STARTUP",
            "instance_name": name,
            "force": opts.force,
            "ignore_offline_nodes": opts.ignore_offline,
            "no_remember": opts.no_remember,
            "startup_paused": opts.startup_paused,
        }
        # Left out when empty: they are for this start only and must not look like a change.
        if opts.hvparams:
            op["hvparams"] = opts.hvparams
        if opts.beparams:
            op["beparams"] = opts.beparams
        return op

    return selection.act(ctx, opts, args, "startup", make)


COMMANDS: Final = {
    "startup": Command(
        run,
        (any_number("instance"),),
        (
            o.FORCE,
            i.HVPARAMS,
            o.BEPARAMS,
            i.IGNORE_OFFLINE,
            i.NO_REMEMBER,
            i.STARTUP_PAUSED,
            *selection.OPTIONS,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] [instance...]",
    ),
}
