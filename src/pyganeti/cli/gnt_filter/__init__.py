"""``gnt-filter``: where its sub-commands are found.

Source: gnt-filter(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-filter",
    {
        "add": Entry("rules", "Add a filter rule"),
        "delete": Entry("rules", "Remove a filter rule"),
        "info": Entry("listing", "Show filter rules"),
        "list": Entry("listing", "List filter rules"),
        "list-fields": Entry("listing", "List the fields of filter rules"),
        "replace": Entry("rules", "Replace a filter rule"),
    },
    {},
)
