"""Options that commands of several tools share.

Data only: what an option is called, what it takes and where its value goes.

Source: ganeti(7) "Common command line features"; the tools' manual pages.
"""

from typing import Final

from pyganeti.cli.option import Option, switch, unswitch

ALLOW_RUNTIME_CHGS: Final = unswitch(
    ("--no-runtime-changes",),
    "allow_runtime_chgs",
    "do not change the instance's memory for the migration",
)
BEPARAMS: Final = Option(
    ("-B", "--backend-parameters"),
    "beparams",
    "backend parameters: maxmem, minmem, memory, vcpus, ...",
    kind="keyval",
    default=(),
)
CONFIRM: Final = switch(("--yes",), "confirm", "do not ask")
CONFLICTS_CHECK: Final = unswitch(
    ("--no-conflicts-check",), "conflicts_check", "do not check for conflicting addresses"
)
DISKPARAMS: Final = Option(
    ("-D", "--disk-parameters"),
    "diskparams",
    "disk parameters, by template",
    action="append",
    kind="identkeyval",
    default=(),
)
DISK_STATE: Final = Option(
    ("--disk-state",),
    "disk_state",
    "disk state, by storage type and volume group",
    action="append",
    kind="identkeyval",
    default=(),
)
DISK_TEMPLATE: Final = Option(
    ("-t", "--disk-template"),
    "disk_template",
    "how disks are stored",
    kind="choice",
    choices=(
        "blockdev",
        "diskless",
        "drbd",
        "ext",
        "file",
        "gluster",
        "plain",
        "rbd",
        "sharedfile",
    ),
    metavar="TEMPL",
)
DRY_RUN: Final = switch(("--dry-run",), "dry_run", "check only, change nothing")
EARLY_RELEASE: Final = switch(
    ("--early-release",), "early_release", "free the old storage before the resync ends"
)
FORCE: Final = switch(("-f", "--force"), "force", "do not ask, and overrule what can be overruled")
FORCE_FILTER: Final = switch(
    ("-F", "--filter"), "force_filter", "take the only argument as a filter expression"
)
FORMAT: Final = Option(
    ("--format",),
    "format",
    "how the answer is written: for readers, or with plain values for programs",
    kind="choice",
    choices=("table", "json", "yaml", "csv"),
    default="table",
)
HVPARAMS_BY_HYPERVISOR: Final = Option(
    ("-H", "--hypervisor-parameters"),
    "hvparams",
    "hypervisor parameters, by hypervisor",
    action="append",
    kind="identkeyval",
    default=(),
)
HV_STATE: Final = Option(
    ("--hypervisor-state",),
    "hv_state",
    "hypervisor state, by hypervisor",
    action="append",
    kind="identkeyval",
    default=(),
)
IALLOCATOR: Final = Option(
    ("-I", "--iallocator"),
    "iallocator",
    "allocator that chooses the nodes; '.' for the default one",
    metavar="<NAME>",
)
IGNORE_CONSISTENCY: Final = switch(
    ("--ignore-consistency",), "ignore_consistency", "go on when the disks are not consistent"
)
IGNORE_IPOLICY: Final = switch(
    ("--ignore-ipolicy",), "ignore_ipolicy", "go on when the instance policy is violated"
)
IPOLICY_BOUNDS_SPECS: Final = Option(
    ("--ipolicy-bounds-specs",),
    "ipolicy_bounds_specs",
    "smallest and largest instances",
    kind="multilistidentkeyval",
)
IPOLICY_DISK_TEMPLATES: Final = Option(
    ("--ipolicy-disk-templates",),
    "ipolicy_disk_templates",
    "disk templates that instances may use",
    kind="list",
)
IPOLICY_SPINDLE_RATIO: Final = Option(
    ("--ipolicy-spindle-ratio",),
    "ipolicy_spindle_ratio",
    "largest ratio of spindle use to spindles",
    kind="maybefloat",
)
IPOLICY_VCPU_RATIO: Final = Option(
    ("--ipolicy-vcpu-ratio",),
    "ipolicy_vcpu_ratio",
    "largest ratio of virtual to physical CPUs",
    kind="maybefloat",
)
LIVE: Final = unswitch(("--non-live",), "live", "pause the guest while it is moved")
MAC_PREFIX: Final = Option(
    ("-m", "--mac-prefix"), "mac_prefix", "first three bytes of MAC addresses", metavar="PREFIX"
)
MIGRATION_MODE: Final = Option(
    ("--migration-mode",),
    "migration_mode",
    "keep the guest running while it is moved, or not",
    kind="choice",
    choices=("live", "non-live"),
)
NDPARAMS: Final = Option(("--node-parameters",), "ndparams", "node parameters", kind="keyval")
NEW_SECONDARY: Final = Option(
    ("-n", "--new-secondary"), "dst_node", "new secondary node", metavar="NODE"
)
NICPARAMS: Final = Option(
    ("-N", "--nic-parameters"), "nicparams", "NIC parameters", kind="keyval", default=()
)
NODEGROUP: Final = Option(
    ("-g", "--node-group"), "nodegroup", "node group, by name or UUID", metavar="<nodegroup>"
)
NODES: Final = Option(
    ("-n", "--node"),
    "nodes",
    "node; may be given several times",
    action="append",
    default=(),
    metavar="<node>",
)
NO_HEADERS: Final = switch(("--no-headers",), "no_headers", "leave out the line of titles")
OOB_TIMEOUT: Final = Option(
    ("--oob-timeout",), "oob_timeout", "seconds for the out-of-band program", kind="int", default=60
)
OS: Final = Option(
    ("-o", "--os-type"), "os", "operating system, as name or name+variant", metavar="<os>"
)
OSPARAMS: Final = Option(
    ("-O", "--os-parameters"), "osparams", "OS parameters", kind="keyval", default=()
)
OSPARAMS_PRIVATE: Final = Option(
    ("--os-parameters-private",),
    "osparams_private",
    "OS parameters that are not shown",
    kind="keyprivateval",
    default=(),
)
OSPARAMS_SECRET: Final = Option(
    ("--os-parameters-secret",),
    "osparams_secret",
    "OS parameters that are not stored",
    kind="keyprivateval",
    default=(),
)
OUTPUT: Final = Option(
    ("-o", "--output"),
    "output",
    "fields, separated by commas; with '+' in front in addition to the default ones",
    metavar="FIELDS",
)
POWER_DELAY: Final = Option(
    ("--power-delay",), "power_delay", "seconds between two nodes", kind="float", default=2.0
)
PRINT_JOBID: Final = switch(
    ("--print-jobid",), "print_jobid", "print the job's id on a line of its own first"
)
PRIORITY: Final = Option(
    ("--priority",),
    "priority",
    "priority of the job",
    kind="choice",
    choices=("high", "low", "normal"),
    metavar="low|normal|high",
)
ROMAN_INTEGERS: Final = switch(
    ("--roman",), "roman_integers", "print whole numbers as Roman numerals"
)
SECONDARY_IP: Final = Option(
    ("-s", "--secondary-ip"), "secondary_ip", "address for replication", metavar="ADDRESS"
)
SEPARATOR: Final = Option(
    ("--separator",), "separator", "text between columns, instead of alignment"
)
SHOW_ALL: Final = switch(("--all",), "show_all", "all instances of the cluster")
SHOW_MACHINE_NAMES: Final = switch(
    ("-M", "--show-machine-names"),
    "show_machine_names",
    "put the node's name before each line of output",
)
SHUTDOWN_TIMEOUT: Final = Option(
    ("--shutdown-timeout",),
    "shutdown_timeout",
    "seconds to wait for the guest to stop",
    kind="int",
    default=120,
)
SSH_KEY_CHECK: Final = unswitch(
    ("--no-ssh-key-check",), "ssh_key_check", "accept the node's host key without asking"
)
SUBMIT_ONLY: Final = switch(("--submit",), "submit_only", "submit the job and do not wait for it")
TAGS: Final = Option(("--tags",), "tags", "tags to set, separated by commas")
TAGS_SOURCE: Final = Option(
    ("--from",), "tags_source", "file with more tags, one a line; '-' for standard input"
)
TARGET_NODE: Final = Option(("-n", "--target-node"), "dst_node", "node to go to", metavar="NODE")
TO_GROUP: Final = Option(
    ("--to",),
    "to",
    "group to move to; may be given several times",
    action="append",
    metavar="<group>",
)
UNITS: Final = Option(
    ("--units",),
    "units",
    "unit of sizes: h (as fits), m, g or t",
    kind="choice",
    choices=("g", "h", "m", "t"),
)
VERBOSE: Final = switch(("-v", "--verbose"), "verbose", "say more")
YES_REALLY: Final = Option(
    ("--yes-do-it", "--ya-rly"), "yes_do_it", "do it without asking", action="store_true"
)

# What most commands that submit a job take.
JOB: Final = (PRIORITY, SUBMIT_ONLY, PRINT_JOBID)
JOB_DRY_RUN: Final = (*JOB, DRY_RUN)
