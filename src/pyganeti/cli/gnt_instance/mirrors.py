"""Mirrored disks. Checks its command line; not built yet.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "replace-disks": Command(
        not_built,
        (Arg("instance"),),
        (
            i.AUTO,
            i.REPLACE_DISKS,
            o.IALLOCATOR,
            o.EARLY_RELEASE,
            o.NEW_SECONDARY,
            i.ON_PRIMARY,
            i.ON_SECONDARY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.DRY_RUN,
            o.PRIORITY,
            o.IGNORE_IPOLICY,
        ),
        usage="[options...] {instance}",
    ),
}
