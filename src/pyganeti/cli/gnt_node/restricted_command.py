"""Restricted commands. Checks its command line; not built yet.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "restricted-command": Command(
        not_built,
        (Arg("unknown"), any_number("node")),
        (n.DO_LOCKING, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID, o.SHOW_MACHINE_NAMES, o.NODEGROUP),
        usage="[options...] {value} [node...]",
    ),
}
