"""Changing an instance. Checks its command line; not built yet.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "modify": Command(
        not_built,
        (Arg("instance"),),
        (
            o.BEPARAMS,
            i.DISK,
            o.FORCE,
            i.HVPARAMS,
            i.NET,
            o.SUBMIT_ONLY,
            o.PRINT_JOBID,
            o.DISK_TEMPLATE,
            i.NODE,
            o.IALLOCATOR,
            o.OS,
            i.FORCE_VARIANT,
            o.OSPARAMS,
            o.OSPARAMS_PRIVATE,
            o.DRY_RUN,
            o.PRIORITY,
            i.NO_WAIT_FOR_SYNC,
            i.OFFLINE_INST,
            i.ONLINE_INST,
            o.IGNORE_IPOLICY,
            i.RUNTIME_MEM,
            o.CONFLICTS_CHECK,
            i.NEW_PRIMARY_NODE,
            i.HOTPLUG,
            i.INSTANCE_COMMUNICATION,
            i.EXT_PARAMS,
            i.FILE_DRIVER,
            i.FILE_STORAGE_DIR,
        ),
        usage="[options...] {instance}",
    ),
}
