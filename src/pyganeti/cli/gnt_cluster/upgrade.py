"""Upgrades of the software. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "upgrade": Command(not_built, (), (c.TO_VERSION, c.RESUME)),
}
