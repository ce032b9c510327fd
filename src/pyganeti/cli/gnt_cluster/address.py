"""The master's address. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "activate-master-ip": Command(not_built, (), ()),
    "deactivate-master-ip": Command(not_built, (), (o.CONFIRM,)),
}
