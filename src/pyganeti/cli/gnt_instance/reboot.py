"""``gnt-instance reboot``: options -> ``OP_INSTANCE_REBOOT`` for each selected instance.

Source: gnt-instance(8) REBOOT.
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
    """Reboot the selected instances."""

    def make(name: str) -> OpDict:
        return {
            "OP_ID": "OP_INSTANCE_REBOOT",
            "instance_name": name,
            "reboot_type": opts.reboot_type,
            "ignore_secondaries": opts.ignore_secondaries,
            "shutdown_timeout": opts.shutdown_timeout,
        }

    return selection.act(ctx, opts, args, "reboot", make)


COMMANDS: Final = {
    "reboot": Command(
        run,
        (any_number("instance"),),
        (
            i.REBOOT_TYPE,
            i.IGNORE_SECONDARIES,
            o.SHUTDOWN_TIMEOUT,
            *selection.OPTIONS,
            *o.JOB_DRY_RUN,
        ),
        usage="[options...] [instance...]",
    ),
}
