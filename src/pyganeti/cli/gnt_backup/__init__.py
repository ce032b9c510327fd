"""``gnt-backup``: where its sub-commands are found.

Source: gnt-backup(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-backup",
    {
        "export": Entry("export", "Write an instance to a node or another cluster"),
        "import": Entry("import_", "Create an instance from an export"),
        "list": Entry("exports", "List exports"),
        "list-fields": Entry("exports", "List the fields of exports"),
        "remove": Entry("remove", "Remove an export"),
    },
    {},
)
