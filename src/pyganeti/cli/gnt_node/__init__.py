"""``gnt-node``: where its sub-commands are found.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-node",
    {
        "add": Entry("add", "Add a node to the cluster"),
        "add-tags": Entry("tags", "Add tags to a node"),
        "evacuate": Entry("evacuate", "Move instances off a node"),
        "failover": Entry("evacuate", "Fail over the primary instances of a node"),
        "health": Entry("power", "Ask for the health of nodes"),
        "info": Entry("info", "Show nodes in full"),
        "list": Entry("listing", "List nodes"),
        "list-drbd": Entry("drbd", "List the DRBD minors of a node"),
        "list-fields": Entry("listing", "List the fields of nodes"),
        "list-storage": Entry("storage", "List storage units"),
        "list-tags": Entry("tags", "List the tags of a node"),
        "migrate": Entry("evacuate", "Migrate the primary instances of a node"),
        "modify": Entry("modify", "Change a node"),
        "modify-storage": Entry("storage", "Change a storage unit"),
        "power": Entry("power", "Switch nodes on or off"),
        "powercycle": Entry("power", "Reboot a node hard"),
        "remove": Entry("remove", "Remove a node from the cluster"),
        "remove-tags": Entry("tags", "Remove tags from a node"),
        "repair-storage": Entry("storage", "Repair a storage unit"),
        "restricted-command": Entry("restricted_command", "Run a restricted command on nodes"),
        "volumes": Entry("storage", "List logical volumes"),
    },
    {"show": "info"},
)
