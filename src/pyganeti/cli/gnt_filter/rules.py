"""Job filter rules. Checks its command line; not built yet.

Source: gnt-filter(8).
"""

from typing import Final

from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "add": Command(not_built, (), (j.FILTER_PRIORITY, j.PREDICATES, j.ACTION)),
    "delete": Command(not_built, (Arg("filter"),), (), usage="[options...] {filter}"),
    "info": Command(not_built, (any_number("filter"),), (), usage="[options...] [filter...]"),
    "list": Command(
        not_built,
        (any_number("filter"),),
        (o.NO_HEADERS, o.SEPARATOR, o.OUTPUT, o.VERBOSE),
        usage="[options...] [filter...]",
    ),
    "list-fields": Command(
        not_built,
        (any_number("unknown"),),
        (o.NO_HEADERS, o.SEPARATOR),
        usage="[options...] [value...]",
    ),
    "replace": Command(
        not_built,
        (Arg("filter"),),
        (j.FILTER_PRIORITY, j.PREDICATES, j.ACTION),
        usage="[options...] {filter}",
    ),
}
