"""Making and changing node groups. Checks its command line; not built yet.

Source: gnt-group(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import network as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "add": Command(
        not_built,
        (Arg("group"),),
        (
            o.DRY_RUN,
            n.ALLOC_POLICY,
            o.NDPARAMS,
            o.DISKPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            o.PRIORITY,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.IPOLICY_BOUNDS_SPECS,
            o.IPOLICY_DISK_TEMPLATES,
            o.IPOLICY_VCPU_RATIO,
            o.IPOLICY_SPINDLE_RATIO,
        ),
        usage="[options...] {group}",
    ),
    "assign-nodes": Command(
        not_built,
        (Arg("group"), any_number("node")),
        (o.DRY_RUN, o.FORCE, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {group} [node...]",
    ),
    "modify": Command(
        not_built,
        (Arg("group"),),
        (
            o.DRY_RUN,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            n.ALLOC_POLICY,
            o.NDPARAMS,
            o.HV_STATE,
            o.DISK_STATE,
            o.DISKPARAMS,
            o.PRIORITY,
            o.IPOLICY_BOUNDS_SPECS,
            o.IPOLICY_DISK_TEMPLATES,
            o.IPOLICY_VCPU_RATIO,
            o.IPOLICY_SPINDLE_RATIO,
        ),
        usage="[options...] {group}",
    ),
    "remove": Command(
        not_built,
        (Arg("group"),),
        (o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {group}",
    ),
    "rename": Command(
        not_built,
        (Arg("group", 2, 2),),
        (o.DRY_RUN, o.SUBMIT_ONLY, o.PRINT_JOBID, o.PRIORITY),
        usage="[options...] {group} {group}",
    ),
}
