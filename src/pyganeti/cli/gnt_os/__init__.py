"""``gnt-os``: where its sub-commands are found.

Source: gnt-os(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-os",
    {
        "diagnose": Entry("listing", "Show the state of OS definitions on every node"),
        "info": Entry("listing", "Show OS definitions in full"),
        "list": Entry("listing", "List the usable operating systems"),
        "modify": Entry("modify", "Change settings of an OS"),
    },
    {"show": "info"},
)
