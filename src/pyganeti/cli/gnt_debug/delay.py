"""``gnt-debug delay``: options -> ``OP_TEST_DELAY``. Source: gnt-debug(8) DELAY."""

import math
from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Wait in a job."""
    try:
        duration = float(args[0])
    except ValueError:
        duration = math.nan
    if not math.isfinite(duration):
        raise OpPrereqError(f"{args[0]!r} is not a number of seconds")
    op = {
        "OP_ID": "OP_TEST_DELAY",
        "duration": duration,
        "on_master": opts.on_master,
        "on_nodes": opts.on_nodes,
        "repeat": opts.repeat,
        "interruptible": opts.interruptible,
        "no_locks": opts.no_locks,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "delay": Command(
        run,
        (Arg("duration"),),
        (j.ON_MASTER, j.ON_NODES, j.REPEAT, j.INTERRUPTIBLE, j.NO_LOCKS, *o.JOB_DRY_RUN),
        usage="[options...] {seconds}",
    ),
}
