"""``gnt-network``: where its sub-commands are found.

Source: gnt-network(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-network",
    {
        "add": Entry("changes", "Create a network"),
        "add-tags": Entry("tags", "Add tags to a network"),
        "connect": Entry("connect", "Connect a network to node groups"),
        "disconnect": Entry("connect", "Disconnect a network from node groups"),
        "info": Entry("info", "Show networks in full"),
        "list": Entry("listing", "List networks"),
        "list-fields": Entry("listing", "List the fields of networks"),
        "list-tags": Entry("tags", "List the tags of a network"),
        "modify": Entry("changes", "Change a network"),
        "remove": Entry("changes", "Remove a network"),
        "remove-tags": Entry("tags", "Remove tags from a network"),
        "rename": Entry("changes", "Give a network another name"),
    },
    {},
)
