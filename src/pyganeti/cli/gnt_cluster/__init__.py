"""``gnt-cluster``: where its sub-commands are found.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Entry, Tool

TOOL: Final = Tool(
    "gnt-cluster",
    {
        "activate-master-ip": Entry("address", "Bring the master's address up"),
        "add-tags": Entry("tags", "Add tags to the cluster"),
        "command": Entry("on_nodes", "Run a command on nodes"),
        "copyfile": Entry("on_nodes", "Copy a file to nodes"),
        "deactivate-master-ip": Entry("address", "Take the master's address down"),
        "destroy": Entry("destroy", "Dissolve the cluster"),
        "epo": Entry("epo", "Power nodes off in an emergency, or on again"),
        "getmaster": Entry("info", "Print the name of the master node"),
        "info": Entry("info", "Show the settings of the cluster"),
        "init": Entry("init", "Found a cluster"),
        "list-tags": Entry("tags", "List the tags of the cluster"),
        "master-failover": Entry("master_failover", "Make this node the master"),
        "master-ping": Entry("info", "Check whether the master answers"),
        "modify": Entry("modify", "Change settings of the cluster"),
        "queue": Entry("switches", "Drain, undrain or look at the job queue"),
        "redist-conf": Entry("redist_conf", "Send the configuration to all nodes again"),
        "remove-tags": Entry("tags", "Remove tags from the cluster"),
        "rename": Entry("rename", "Give the cluster another name"),
        "renew-crypto": Entry("renew_crypto", "Renew certificates, keys and secrets"),
        "repair-disk-sizes": Entry("disks", "Correct the recorded sizes of disks"),
        "search-tags": Entry("tags", "Search the tags of all objects"),
        "show-ispecs-cmd": Entry(
            "show_ispecs_cmd", "Print the options that make this instance policy"
        ),
        "upgrade": Entry("upgrade", "Change to another version of the software"),
        "verify": Entry("verify", "Check the whole cluster"),
        "verify-disks": Entry("verify_disks", "Check disks and activate them"),
        "version": Entry("info", "Print versions"),
        "watcher": Entry("switches", "Pause or continue the watcher"),
    },
    {"masterfailover": "master-failover", "show": "info"},
)
