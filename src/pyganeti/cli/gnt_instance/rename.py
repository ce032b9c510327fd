"""``gnt-instance rename``: options -> ``OP_INSTANCE_RENAME``. Source: gnt-instance(8) RENAME."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Give an instance another name."""
    old, new = args
    op = {
        "OP_ID": "OP_INSTANCE_RENAME",
        "instance_name": old,
        "new_name": new,
        "name_check": opts.name_check,
        "ip_check": opts.ip_check,
    }
    result = run_op(ctx, opts, op)
    if result:
        ctx.say(f"Instance '{old}' renamed to '{result}'")
    return failure.OK


COMMANDS: Final = {
    "rename": Command(
        run,
        (Arg("instance"), Arg("host")),
        (i.IP_CHECK, i.NAME_CHECK, o.SUBMIT_ONLY, o.PRINT_JOBID, o.DRY_RUN, o.PRIORITY),
        usage="[options...] {instance} {name}",
    ),
}
