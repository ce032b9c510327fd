"""Tags of instances. Source: gnt-instance(8) "Tags"."""

from typing import Final

from pyganeti.cli.tags import commands

COMMANDS: Final = commands("instance", "instance")
