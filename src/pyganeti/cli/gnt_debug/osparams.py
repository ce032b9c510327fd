"""``gnt-debug test-osparams``: options -> ``OP_TEST_OS_PARAMS``.

Source: gnt-debug(8) TEST_OSPARAMS.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Bring secret parameters to a job."""
    run_op(ctx, opts, {"OP_ID": "OP_TEST_OS_PARAMS", "osparams_secret": opts.osparams_secret})
    return failure.OK


COMMANDS: Final = {
    "test-osparams": Command(run, (), (o.OSPARAMS_SECRET, o.SUBMIT_ONLY, o.PRINT_JOBID)),
}
