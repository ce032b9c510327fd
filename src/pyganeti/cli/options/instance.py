"""Options of ``gnt-instance`` and ``gnt-backup``.

Data only: what an option is called, what it takes and where its value goes.

Source: gnt-instance(8), gnt-backup(8).
"""

from typing import Final

from pyganeti.cli.option import Option, switch, unswitch

from . import shared as o

ABSOLUTE: Final = switch(
    ("--absolute",), "absolute", "the amount is the new size, not the increase"
)
ALLOW_FAILOVER: Final = switch(
    ("--allow-failover",), "allow_failover", "fail over if a migration is not possible"
)
AUTO: Final = switch(
    ("-a", "--auto"), "auto", "find the faulty disks and replace them on their node"
)
CLEANUP: Final = switch(("--cleanup",), "cleanup", "recover from a failed attempt")
COMMIT: Final = switch(("--commit",), "commit", "make a forthcoming instance real")
COMPRESS: Final = Option(("--compress",), "compress", "compression of the transfer", default="none")
DISK: Final = Option(
    ("--disk",),
    "disks",
    "a disk, as index:size=SIZE,...; may be given several times",
    action="append",
    kind="identkeyval",
    default=(),
)
EXT_PARAMS: Final = Option(
    ("-e", "--ext-params"),
    "ext_params",
    "parameters of the external storage provider",
    kind="keyval",
    default=(),
)
FILE_DRIVER: Final = Option(
    ("--file-driver",),
    "file_driver",
    "driver of file disks",
    kind="choice",
    choices=("blktap", "blktap2", "loop"),
    metavar="<DRIVER>",
)
FILE_STORAGE_DIR: Final = Option(
    ("--file-storage-dir",),
    "file_storage_dir",
    "directory of the instance's disks below the cluster's",
    metavar="<DIR>",
)
FORCE_MULTI: Final = switch(
    ("--force-multiple",), "force_multi", "do not ask when several instances are concerned"
)
FORCE_VARIANT: Final = switch(
    ("--force-variant",), "force_variant", "accept an OS variant that the definition does not list"
)
FORTHCOMING: Final = switch(
    ("--forthcoming",), "forthcoming", "reserve name and resources, make nothing yet"
)
HELPER_SHUTDOWN_TIMEOUT: Final = Option(
    ("--helper-shutdown-timeout",),
    "helper_shutdown_timeout",
    "seconds for the helper guest to stop",
    kind="int",
)
HELPER_STARTUP_TIMEOUT: Final = Option(
    ("--helper-startup-timeout",),
    "helper_startup_timeout",
    "seconds for the helper guest to start",
    kind="int",
)
HOTPLUG: Final = unswitch(("--no-hotplug",), "hotplug", "do not change a running instance")
HVPARAMS: Final = Option(
    ("-H", "--hypervisor-parameters"),
    "hvparams",
    "hypervisor parameters, for this start only",
    kind="keyval",
    default=(),
)
HYPERVISOR: Final = Option(
    ("-H", "--hypervisor-parameters"),
    "hypervisor",
    "hypervisor, and parameters of it that differ from the defaults",
    kind="identkeyval",
)
IDENTIFY_DEFAULTS: Final = switch(
    ("--identify-defaults",), "identify_defaults", "leave out parameters that equal the cluster's"
)
IGNORE_FAILURES: Final = switch(
    ("--ignore-failures",),
    "ignore_failures",
    "remove it from the configuration even if something fails",
)
IGNORE_HVVERSIONS: Final = switch(
    ("--ignore-hvversions",),
    "ignore_hvversions",
    "only warn if the hypervisors' versions do not fit",
)
IGNORE_OFFLINE: Final = switch(
    ("--ignore-offline",), "ignore_offline", "do not contact an offline primary node"
)
IGNORE_REMOVE_FAILURES: Final = switch(
    ("--ignore-remove-failures",),
    "ignore_remove_failures",
    "ignore errors while the instance is removed",
)
IGNORE_SECONDARIES: Final = switch(
    ("--ignore-secondaries",), "ignore_secondaries", "ignore errors on secondary nodes"
)
IGNORE_SIZE: Final = switch(
    ("--ignore-size",), "ignore_size", "activate even if the size differs from the recorded one"
)
INSTANCE_COMMUNICATION: Final = Option(
    ("-c", "--communication"),
    "instance_communication",
    "whether the instance gets a communication NIC",
    kind="bool",
)
IP_CHECK: Final = switch(
    ("--ip-check",), "ip_check", "check that the instance's address does not answer yet"
)
LONG_SLEEP: Final = switch(
    ("--long-sleep",), "long_sleep", "wait a day, not an hour, for the snapshot to be exported"
)
NAME_CHECK: Final = switch(("--name-check",), "name_check", "resolve the instance's name")
NET: Final = Option(
    ("--net",),
    "nics",
    "a NIC, as index:ip=ADDRESS,...; may be given several times",
    action="append",
    kind="identkeyval",
    default=(),
)
NEW_PRIMARY_NODE: Final = Option(
    ("--new-primary",), "new_primary_node", "node that holds the disks now", metavar="<node>"
)
NODE: Final = Option(("-n", "--node"), "node", "node that gets it", metavar="<node>")
NODE_PAIR: Final = Option(
    ("-n", "--node"), "node", "primary and secondary node", metavar="<pnode>[:<snode>]"
)
NO_INSTALL: Final = switch(
    ("--no-install",), "no_install", "do not run the OS scripts, and do not start it"
)
NO_IP_CHECK_OBSOLETE: Final = Option(
    ("--no-ip-check",), "", "has no effect: it is the default", action="obsolete"
)
NO_NAME_CHECK_OBSOLETE: Final = Option(
    ("--no-name-check",), "", "has no effect: it is the default", action="obsolete"
)
NO_NICS: Final = switch(
    ("--no-nics",), "no_nics", "create no NIC (otherwise there is at least one)"
)
NO_REMEMBER: Final = switch(
    ("--no-remember",), "no_remember", "do not record that this state is wanted"
)
NO_WAIT_FOR_SYNC: Final = unswitch(
    ("--no-wait-for-sync",), "wait_for_sync", "do not wait until the mirrors are in sync"
)
OFFLINE_INST: Final = switch(("--offline",), "offline_inst", "mark the instance offline")
ONLINE_INST: Final = switch(("--online",), "online_inst", "take the offline mark away")
ON_PRIMARY: Final = switch(
    ("-p", "--on-primary"), "on_primary", "replace the disks on the primary node"
)
ON_SECONDARY: Final = switch(
    ("-s", "--on-secondary"), "on_secondary", "replace the disks on the secondary node"
)
OPPORTUNISTIC_LOCKING: Final = switch(
    ("--opportunistic-locking",),
    "opportunistic_locking",
    "let the allocator use only nodes whose locks are free",
)
REBOOT_TYPE: Final = Option(
    ("-t", "--type"),
    "reboot_type",
    "kind of reboot",
    kind="choice",
    choices=("full", "hard", "soft"),
    default="hard",
    metavar="<REBOOT>",
)
REMOVE_INSTANCE: Final = switch(
    ("--remove-instance",), "remove_instance", "remove the instance afterwards"
)
REPLACE_DISKS: Final = Option(("--disks",), "disks", "indices of the disks, separated by commas")
RUNTIME_MEM: Final = Option(
    ("-m", "--runtime-memory"),
    "runtime_mem",
    "memory of the running instance",
    kind="unit",
    metavar="<size>",
)
SD_SIZE: Final = Option(
    ("-s", "--os-size"),
    "sd_size",
    "size of the only disk, instead of --disk",
    kind="unit",
    metavar="<size>",
)
SELECT_CLUSTER: Final = Option(
    ("--all",), "multi_mode", "all instances of the cluster", action="store_const", const="cluster"
)
SELECT_INSTANCES: Final = Option(
    ("--instance",),
    "multi_mode",
    "names are instances (default)",
    action="store_const",
    const="instances",
)
SELECT_INSTANCES_BY_TAGS: Final = Option(
    ("--tags",),
    "multi_mode",
    "names are instance tags",
    action="store_const",
    const="instances-by-tags",
)
SELECT_NODES: Final = Option(
    ("--node",),
    "multi_mode",
    "names are nodes: their instances, primary or secondary",
    action="store_const",
    const="nodes",
)
SELECT_NODES_BY_TAGS: Final = Option(
    ("--node-tags",),
    "multi_mode",
    "names are node tags: instances of those nodes",
    action="store_const",
    const="nodes-by-tags",
)
SELECT_NODES_PRI: Final = Option(
    ("--primary",),
    "multi_mode",
    "names are nodes: their primary instances",
    action="store_const",
    const="nodes-pri",
)
SELECT_NODES_PRI_BY_TAGS: Final = Option(
    ("--pri-node-tags",),
    "multi_mode",
    "names are node tags: primary instances of those nodes",
    action="store_const",
    const="nodes-pri-by-tags",
)
SELECT_NODES_SEC: Final = Option(
    ("--secondary",),
    "multi_mode",
    "names are nodes: their secondary instances",
    action="store_const",
    const="nodes-sec",
)
SELECT_NODES_SEC_BY_TAGS: Final = Option(
    ("--sec-node-tags",),
    "multi_mode",
    "names are node tags: secondary instances of those nodes",
    action="store_const",
    const="nodes-sec-by-tags",
)
SELECT_OS: Final = switch(("--select-os",), "select_os", "ask which OS to install")
SHOW_COMMAND: Final = switch(
    ("--show-cmd",), "show_command", "print the command instead of running it"
)
SHUTDOWN: Final = unswitch(("--noshutdown",), "shutdown", "do not stop the instance")
SRC_DIR: Final = Option(("--src-dir",), "src_dir", "directory of the export", metavar="<dir>")
SRC_NODE: Final = Option(
    ("--src-node",), "src_node", "node that holds the export", metavar="<node>"
)
START: Final = unswitch(("--no-start",), "start", "do not start the instance")
STARTUP_PAUSED: Final = switch(("--paused",), "startup_paused", "start the guest paused")
STATIC: Final = switch(
    ("-s", "--static"), "static", "show only what is in the configuration, ask no node"
)
TIMEOUT: Final = Option(
    ("--timeout",), "timeout", "seconds to wait for the guest to stop", kind="int", default=120
)
TRANSPORT_COMPRESSION: Final = Option(
    ("--transport-compression",),
    "transport_compression",
    "compression of the transfer",
    default="none",
)
WAIT_FOR_SYNC: Final = switch(
    ("--wait-for-sync",), "wait_for_sync", "wait until the mirrors are in sync"
)
ZEROING_TIMEOUT_FIXED: Final = Option(
    ("--zeroing-timeout-fixed",),
    "zeroing_timeout_fixed",
    "seconds to wait for the zeroing guest",
    kind="int",
)
ZEROING_TIMEOUT_PER_MIB: Final = Option(
    ("--zeroing-timeout-per-mib",),
    "zeroing_timeout_per_mib",
    "seconds to wait for each MiB",
    kind="float",
)
ZERO_FREE_SPACE: Final = switch(
    ("--zero-free-space",), "zero_free_space", "fill free space with zeros before the export"
)

# What an instance is made of, new or imported.
CREATION: Final = (
    o.BEPARAMS,
    DISK,
    o.DISK_TEMPLATE,
    FILE_STORAGE_DIR,
    FILE_DRIVER,
    HYPERVISOR,
    o.IALLOCATOR,
    NET,
    NODE_PAIR,
    o.NODEGROUP,
    IP_CHECK,
    NO_IP_CHECK_OBSOLETE,
    NAME_CHECK,
    NO_NAME_CHECK_OBSOLETE,
    o.CONFLICTS_CHECK,
    NO_NICS,
    NO_WAIT_FOR_SYNC,
    o.OSPARAMS,
    o.OSPARAMS_PRIVATE,
    o.OSPARAMS_SECRET,
    SD_SIZE,
    OPPORTUNISTIC_LOCKING,
)
