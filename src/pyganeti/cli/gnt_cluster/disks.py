"""Recorded sizes of all disks. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "repair-disk-sizes": Command(
        not_built,
        (any_number("instance"),),
        (o.DRY_RUN, o.PRIORITY),
        usage="[options...] [instance...]",
    ),
}
