"""Storage units of nodes. Checks its command line; not built yet.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "list-drbd": Command(
        not_built,
        (Arg("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.FORMAT),
        usage="[options...] {node}",
    ),
    "list-storage": Command(
        not_built,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, n.USER_STORAGE_TYPE, o.PRIORITY, o.FORMAT),
        usage="[options...] [node...]",
    ),
    "modify-storage": Command(
        not_built,
        (Arg("node"), Arg("choice", choices=("lvm-pv",)), Arg("file")),
        (n.ALLOCATABLE, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node} {lvm-pv} {file}",
    ),
    "repair-storage": Command(
        not_built,
        (Arg("node"), Arg("choice", choices=("lvm-vg",)), Arg("file")),
        (o.IGNORE_CONSISTENCY, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node} {lvm-vg} {file}",
    ),
    "volumes": Command(
        not_built,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, o.PRIORITY, o.FORMAT),
        usage="[options...] [node...]",
    ),
}
