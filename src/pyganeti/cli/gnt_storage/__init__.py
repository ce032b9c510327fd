"""``gnt-storage``: where its sub-commands are found.

Source: gnt-storage(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-storage",
    {
        "diagnose": Entry("providers", "Show the state of storage providers on every node"),
        "info": Entry("providers", "Show storage providers in full"),
    },
    {},
)
