"""Moving instances off nodes. Checks its command line; not built yet.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "evacuate": Command(
        not_built,
        (Arg("node"),),
        (
            o.FORCE,
            o.IALLOCATOR,
            n.IGNORE_SOFT_ERRORS,
            o.NEW_SECONDARY,
            o.EARLY_RELEASE,
            o.PRIORITY,
            n.PRIMARY_ONLY,
            n.SECONDARY_ONLY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {node}",
    ),
    "failover": Command(
        not_built,
        (Arg("node"),),
        (o.FORCE, o.IGNORE_CONSISTENCY, o.IALLOCATOR, o.PRIORITY),
        usage="[options...] {node}",
    ),
    "migrate": Command(
        not_built,
        (Arg("node"),),
        (
            o.FORCE,
            o.LIVE,
            o.MIGRATION_MODE,
            o.TARGET_NODE,
            o.IALLOCATOR,
            o.PRIORITY,
            o.IGNORE_IPOLICY,
            o.ALLOW_RUNTIME_CHGS,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
        ),
        usage="[options...] {node}",
    ),
}
