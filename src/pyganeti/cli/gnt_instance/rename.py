"""Renaming an instance. Checks its command line; not built yet.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "rename": Command(
        not_built,
        (Arg("instance"), Arg("host")),
        (i.IP_CHECK, i.NAME_CHECK, o.SUBMIT_ONLY, o.PRINT_JOBID, o.DRY_RUN, o.PRIORITY),
        usage="[options...] {instance} {name}",
    ),
}
