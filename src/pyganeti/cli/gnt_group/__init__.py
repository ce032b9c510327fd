"""``gnt-group``: where its sub-commands are found.

Source: gnt-group(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-group",
    {
        "add": Entry("changes", "Create a node group"),
        "add-tags": Entry("tags", "Add tags to a node group"),
        "assign-nodes": Entry("changes", "Move nodes into a node group"),
        "evacuate": Entry("evacuate", "Move all instances out of a node group"),
        "info": Entry("info", "Show node groups in full"),
        "list": Entry("listing", "List node groups"),
        "list-fields": Entry("listing", "List the fields of node groups"),
        "list-tags": Entry("tags", "List the tags of a node group"),
        "modify": Entry("changes", "Change a node group"),
        "remove": Entry("changes", "Remove an empty node group"),
        "remove-tags": Entry("tags", "Remove tags from a node group"),
        "rename": Entry("changes", "Give a node group another name"),
        "show-ispecs-cmd": Entry(
            "show_ispecs_cmd", "Print the options that make these instance policies"
        ),
    },
    {},
)
