"""Out-of-band management. Checks its command line; not built yet.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "health": Command(
        not_built,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.PRIORITY, o.OOB_TIMEOUT),
        usage="[options...] [node...]",
    ),
    "power": Command(
        not_built,
        (Arg("choice", choices=("on", "off", "cycle", "status")), any_number("node")),
        (
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.AUTO_PROMOTE,
            o.PRIORITY,
            n.IGNORE_STATUS,
            o.FORCE,
            o.NO_HEADERS,
            o.SEPARATOR,
            o.OOB_TIMEOUT,
            o.POWER_DELAY,
        ),
        usage="[options...] {on|off|cycle|status} [node...]",
    ),
    "powercycle": Command(
        not_built,
        (Arg("node"),),
        (o.FORCE, o.CONFIRM, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node}",
    ),
}
