"""The instance policy as options. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "show-ispecs-cmd": Command(not_built, (), ()),
}
