"""Settings of operating systems. Checks its command line; not built yet.

Source: gnt-os(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "modify": Command(
        not_built,
        (Arg("os"),),
        (
            o.HVPARAMS_BY_HYPERVISOR,
            o.OSPARAMS,
            o.OSPARAMS_PRIVATE,
            o.DRY_RUN,
            o.PRIORITY,
            j.HIDDEN,
            j.BLACKLISTED,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {os}",
    ),
}
