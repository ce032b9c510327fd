"""``gnt-instance shutdown``: options -> ``OP_INSTANCE_SHUTDOWN`` for each selected instance.

Source: gnt-instance(8) SHUTDOWN.
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
    """Stop the selected instances."""

    def make(name: str) -> OpDict:
        return {
            "OP_ID": "OP_INSTANCE_SHUTDOWN",
            "instance_name": name,
            "force": opts.force,
            "timeout": opts.timeout,
            "ignore_offline_nodes": opts.ignore_offline,
            "no_remember": opts.no_remember,
        }

    return selection.act(ctx, opts, args, "shutdown", make)


COMMANDS: Final = {
    "shutdown": Command(
        run,
        (any_number("instance"),),
        (
            o.FORCE,
            i.TIMEOUT,
            i.IGNORE_OFFLINE,
            i.NO_REMEMBER,
            *selection.OPTIONS,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] [instance...]",
    ),
}
