"""Moving instances between nodes. Checks its command line; not built yet.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "change-group": Command(
        not_built,
        (Arg("instance"),),
        (o.TO_GROUP, o.IALLOCATOR, o.EARLY_RELEASE, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {instance}",
    ),
    "failover": Command(
        not_built,
        (Arg("instance"),),
        (
            o.FORCE,
            o.IGNORE_CONSISTENCY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.SHUTDOWN_TIMEOUT,
            o.DRY_RUN,
            o.PRIORITY,
            o.TARGET_NODE,
            o.IALLOCATOR,
            o.IGNORE_IPOLICY,
            i.CLEANUP,
        ),
        usage="[options...] {instance}",
    ),
    "migrate": Command(
        not_built,
        (Arg("instance"),),
        (
            o.FORCE,
            o.LIVE,
            o.MIGRATION_MODE,
            i.CLEANUP,
            o.DRY_RUN,
            o.PRIORITY,
            o.TARGET_NODE,
            o.IALLOCATOR,
            i.ALLOW_FAILOVER,
            o.IGNORE_IPOLICY,
            i.IGNORE_HVVERSIONS,
            o.ALLOW_RUNTIME_CHGS,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {instance}",
    ),
    "move": Command(
        not_built,
        (Arg("instance"),),
        (
            o.FORCE,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            i.NODE,
            i.COMPRESS,
            o.SHUTDOWN_TIMEOUT,
            o.DRY_RUN,
            o.PRIORITY,
            o.IGNORE_CONSISTENCY,
            o.IGNORE_IPOLICY,
        ),
        usage="[options...] {instance}",
    ),
}
