"""External storage providers. Checks its command line; not built yet.

Source: gnt-storage(8).
"""

from typing import Final

from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "diagnose": Command(not_built, (), (o.PRIORITY, o.FORMAT)),
    "info": Command(
        not_built, (any_number("os"),), (o.PRIORITY, o.FORMAT), usage="[options...] [os...]"
    ),
}
