"""Trial runs of an allocator. Checks its command line; not built yet.

Source: gnt-debug(8).
"""

from typing import Final

from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "iallocator": Command(
        not_built,
        (at_least_one("unknown"),),
        (
            j.DIRECTION,
            o.IALLOCATOR,
            j.MODE,
            j.MEMORY,
            j.ALLOC_DISKS,
            o.DISK_TEMPLATE,
            j.ALLOC_NICS,
            o.OS,
            j.VCPUS,
            o.TAGS,
            j.EVAC_MODE,
            j.TARGET_GROUPS,
            j.SPINDLE_USE,
            j.COUNT,
            o.DRY_RUN,
            o.PRIORITY,
        ),
        usage="[options...] {value}...",
    ),
}
