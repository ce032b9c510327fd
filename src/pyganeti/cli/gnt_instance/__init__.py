"""``gnt-instance``: where its sub-commands are found.

Source: gnt-instance(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-instance",
    {
        "activate-disks": Entry("disks", "Activate an instance's disks"),
        "add": Entry("add", "Create an instance"),
        "add-tags": Entry("tags", "Add tags to an instance"),
        "batch-create": Entry("batch_create", "Create many instances"),
        "change-group": Entry("moving", "Move an instance to another node group"),
        "console": Entry("console", "Connect to an instance's console"),
        "deactivate-disks": Entry("disks", "Deactivate an instance's disks"),
        "failover": Entry("moving", "Stop an instance and start it on another node"),
        "grow-disk": Entry("disks", "Enlarge an instance's disk"),
        "info": Entry("info", "Show instances in full"),
        "list": Entry("listing", "List instances"),
        "list-fields": Entry("listing", "List the fields of instances"),
        "list-tags": Entry("tags", "List the tags of an instance"),
        "migrate": Entry("moving", "Move a running instance to another node"),
        "modify": Entry("modify", "Change an instance"),
        "move": Entry("moving", "Copy an instance to another node"),
        "reboot": Entry("reboot", "Reboot instances"),
        "recreate-disks": Entry("recreate_disks", "Create lost disks again"),
        "reinstall": Entry("reinstall", "Install the operating system again"),
        "remove": Entry("remove", "Remove an instance"),
        "remove-tags": Entry("tags", "Remove tags from an instance"),
        "rename": Entry("rename", "Give an instance another name"),
        "replace-disks": Entry("replace_disks", "Replace an instance's mirrored disks"),
        "shutdown": Entry("shutdown", "Stop instances"),
        "startup": Entry("startup", "Start instances"),
    },
    {"show": "info", "start": "startup", "stop": "shutdown"},
)
