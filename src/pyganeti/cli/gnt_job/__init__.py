"""``gnt-job``: where its sub-commands are found.

Source: gnt-job(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-job",
    {
        "archive": Entry("archive", "Archive jobs"),
        "autoarchive": Entry("archive", "Archive old jobs"),
        "cancel": Entry("cancel", "Cancel jobs"),
        "change-priority": Entry("cancel", "Change the priority of jobs"),
        "info": Entry("info", "Show jobs in full"),
        "list": Entry("listing", "List jobs"),
        "list-fields": Entry("listing", "List the fields of jobs"),
        "wait": Entry("follow", "Wait for the end of a job"),
        "watch": Entry("follow", "Follow the output of a job"),
    },
    {"show": "info"},
)
