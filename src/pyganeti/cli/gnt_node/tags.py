"""Tags of nodes. Source: gnt-node(8) "Tags"."""

from typing import Final

from pyganeti.cli.tags import commands

COMMANDS: Final = commands("node", "node")
