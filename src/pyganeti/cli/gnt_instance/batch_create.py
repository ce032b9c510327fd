"""Creating many instances at once. Checks its command line; not built yet.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "batch-create": Command(
        not_built,
        (Arg("file"),),
        (o.DRY_RUN, o.PRIORITY, o.IALLOCATOR, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {file}",
    ),
}
