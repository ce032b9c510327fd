"""``gnt-debug``: where its sub-commands are found.

Source: gnt-debug(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-debug",
    {
        "delay": Entry("delay", "Wait in a job"),
        "iallocator": Entry("allocator", "Run an allocator"),
        "locks": Entry("locks", "List locks"),
        "metad": Entry("metad", "Talk to the metadata daemon"),
        "submit-job": Entry("submit_job", "Submit jobs from files"),
        "test-jobqueue": Entry("queue_test", "Test the job queue"),
        "test-osparams": Entry("osparams", "Test secret OS parameters"),
        "waits": Entry("waits", "Say why jobs wait"),
        "wconfd": Entry("wconfd", "Talk to the configuration daemon"),
    },
    {"allocator": "iallocator"},
)
