"""Emergency power-off. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "epo": Command(
        not_built,
        (any_number("unknown"),),
        (o.FORCE, c.ON, c.GROUPS, o.SHOW_ALL, o.OOB_TIMEOUT, o.SHUTDOWN_TIMEOUT, o.POWER_DELAY),
        usage="[options...] [value...]",
    ),
}
