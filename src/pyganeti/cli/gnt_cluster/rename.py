"""The cluster's name. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "rename": Command(not_built, (Arg("host"),), (o.FORCE, o.DRY_RUN), usage="[options...] {name}"),
}
