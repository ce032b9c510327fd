"""Tags of networks. Source: gnt-network(8) "Tags"."""

from typing import Final

from pyganeti.cli.tags import commands

COMMANDS: Final = commands("network", "network")
