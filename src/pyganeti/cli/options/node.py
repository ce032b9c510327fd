"""Options of ``gnt-node``.

Data only: what an option is called, what it takes and where its value goes.

Source: gnt-node(8).
"""

from typing import Final

from pyganeti.cli.option import Option, switch, unswitch

ALLOCATABLE: Final = Option(
    ("--allocatable",),
    "allocatable",
    "whether new volumes may be put on the unit",
    kind="bool",
    metavar="yes|no",
)
AUTO_PROMOTE: Final = switch(
    ("--auto-promote",), "auto_promote", "lock all nodes and fill the pool of master candidates"
)
DO_LOCKING: Final = switch(("--sync",), "do_locking", "run it under the nodes' locks")
DRAINED: Final = Option(
    ("-D", "--drained"), "drained", "whether the node is drained", kind="bool", metavar="yes|no"
)
FORCE_JOIN: Final = switch(
    ("--force-join",), "force_join", "join the node even if it looks like a member of a cluster"
)
IGNORE_SOFT_ERRORS: Final = switch(
    ("--ignore-soft-errors",), "ignore_soft_errors", "tell the allocator to ignore soft errors"
)
IGNORE_STATUS: Final = switch(
    ("--ignore-status",), "ignore_status", "go on whatever the recorded power state"
)
MASTER_CANDIDATE: Final = Option(
    ("-C", "--master-candidate"),
    "master_candidate",
    "whether the node is a master candidate",
    kind="bool",
    metavar="yes|no",
)
MASTER_CAPABLE: Final = Option(
    ("--master-capable",),
    "master_capable",
    "whether the node may become master",
    kind="bool",
    metavar="yes|no",
)
NODE_POWERED: Final = Option(
    ("--node-powered",),
    "node_powered",
    "whether the node is powered",
    kind="bool",
    metavar="yes|no",
)
NODE_SETUP: Final = unswitch(("--no-node-setup",), "node_setup", "has no effect any more")
OFFLINE: Final = Option(
    ("-O", "--offline"), "offline", "whether the node is offline", kind="bool", metavar="yes|no"
)
PRIMARY_ONLY: Final = switch(
    ("-p", "--primary-only"), "primary_only", "only instances that have it as primary node"
)
READD: Final = switch(("--readd",), "readd", "take a known node in again")
SECONDARY_ONLY: Final = switch(
    ("-s", "--secondary-only"), "secondary_only", "only instances that have it as secondary node"
)
USER_STORAGE_TYPE: Final = Option(
    ("-t", "--storage-type"),
    "user_storage_type",
    "type of storage",
    kind="choice",
    choices=("file", "gluster", "lvm-pv", "lvm-vg", "sharedfile"),
    metavar="STORAGE_TYPE",
)
VM_CAPABLE: Final = Option(
    ("--vm-capable",),
    "vm_capable",
    "whether the node may hold instances",
    kind="bool",
    metavar="yes|no",
)
