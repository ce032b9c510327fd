"""Connecting networks to node groups. Checks its command line; not built yet.

Source: gnt-network(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "connect": Command(
        not_built,
        (Arg("network"), any_number("group")),
        (o.CONFLICTS_CHECK, o.PRIORITY, o.NICPARAMS),
        usage="[options...] {network} [group...]",
    ),
    "disconnect": Command(
        not_built,
        (Arg("network"), any_number("group")),
        (o.PRIORITY,),
        usage="[options...] {network} [group...]",
    ),
}
