"""Tests of daemons and of the job queue. Checks its command line; not built yet.

Source: gnt-debug(8).
"""

from typing import Final

from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "metad": Command(not_built, (at_least_one("unknown"),), (), usage="[options...] {value}..."),
    "wconfd": Command(not_built, (at_least_one("unknown"),), (), usage="[options...] {value}..."),
}
