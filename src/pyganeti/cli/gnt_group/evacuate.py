"""Emptying a node group. Checks its command line; not built yet.

Source: gnt-group(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "evacuate": Command(
        not_built,
        (Arg("group"),),
        (
            o.TO_GROUP,
            o.IALLOCATOR,
            o.EARLY_RELEASE,
            n.SEQUENTIAL,
            n.FORCE_FAILOVER,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {group}",
    ),
}
