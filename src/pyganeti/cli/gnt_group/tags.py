"""Tags of node groups. Source: gnt-group(8) "Tags"."""

from typing import Final

from pyganeti.cli.tags import commands

COMMANDS: Final = commands("nodegroup", "group")
