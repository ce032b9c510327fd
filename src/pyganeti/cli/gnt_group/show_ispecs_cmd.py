"""Instance policies as options. Checks its command line; not built yet.

Source: gnt-group(8).
"""

from typing import Final

from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import network as n
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "show-ispecs-cmd": Command(
        not_built, (any_number("group"),), (n.INCLUDE_DEFAULTS,), usage="[options...] [group...]"
    ),
}
