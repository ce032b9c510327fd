"""Making and changing networks. Checks its command line; not built yet.

Source: gnt-network(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "add": Command(
        not_built,
        (Arg("network"),),
        (
            o.DRY_RUN,
            n.NETWORK,
            n.GATEWAY,
            n.ADD_RESERVED_IPS,
            o.MAC_PREFIX,
            n.NETWORK6,
            n.GATEWAY6,
            o.CONFLICTS_CHECK,
            o.TAGS,
            o.PRIORITY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {network}",
    ),
    "modify": Command(
        not_built,
        (Arg("network"),),
        (
            o.DRY_RUN,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.ADD_RESERVED_IPS,
            n.REMOVE_RESERVED_IPS,
            n.GATEWAY,
            o.MAC_PREFIX,
            n.NETWORK6,
            n.GATEWAY6,
            o.PRIORITY,
        ),
        usage="[options...] {network}",
    ),
    "remove": Command(
        not_built,
        (Arg("network"),),
        (o.FORCE, o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {network}",
    ),
    "rename": Command(
        not_built,
        (Arg("group", 2, 2),),
        (o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {group} {group}",
    ),
}
