"""Taking over the master role. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "master-failover": Command(not_built, (), (c.NO_VOTING, c.YES_DO_IT, c.IGNORE_OFFLINE_NODES)),
}
