"""Options of ``gnt-debug``, ``gnt-filter``, ``gnt-job`` and ``gnt-os``.

Data only: what an option is called, what it takes and where its value goes.

Source: gnt-debug(8), gnt-filter(8), gnt-job(8), gnt-os(8).
"""

from typing import Final

from pyganeti.cli.option import Option, switch, unswitch

ACTION: Final = Option(
    ("--action",),
    "action",
    "what to do with matching jobs: ACCEPT, PAUSE, REJECT, CONTINUE or 'RATE_LIMIT n'",
    kind="filteraction",
    default="CONTINUE",
)
ALLOC_DISKS: Final = Option(
    ("--disks",), "disks", "sizes of the disks, separated by commas", default="4096,4096"
)
ALLOC_NICS: Final = Option(
    ("--nics",),
    "nics",
    "MAC addresses of the NICs, separated by commas",
    default="00:11:22:33:44:55",
)
ARCHIVED: Final = switch(("--archived",), "archived", "show archived jobs too")
BLACKLISTED: Final = Option(
    ("--blacklisted",),
    "blacklisted",
    "whether the OS may not be used for new instances",
    kind="bool",
    metavar="yes|no",
)
COUNT: Final = Option(
    ("--count",), "count", "how many instances to allocate", kind="int", default=2
)
DIRECTION: Final = Option(
    ("--dir",),
    "direction",
    "show the request (in) or the allocator's answer (out)",
    kind="choice",
    choices=("in", "out"),
    default="in",
)
EACH: Final = switch(("--each",), "each", "submit each job on its own")
EVAC_MODE: Final = Option(
    ("--evac-mode",),
    "evac_mode",
    "which instances to move away",
    kind="choice",
    choices=("all", "primary-only", "secondary-only"),
    default="all",
)
FILTER_PRIORITY: Final = Option(
    ("--priority",), "priority", "priority of the rule; 0 is the highest", kind="int", default=0
)
HIDDEN: Final = Option(
    ("--hidden",), "hidden", "whether the OS is left out of lists", kind="bool", metavar="yes|no"
)
INTERRUPTIBLE: Final = switch(
    ("-i", "--interruptible"), "interruptible", "end early when something connects to a socket"
)
INTERVAL: Final = Option(("--interval",), "interval", "repeat after so many seconds", kind="int")
KILL: Final = switch(("--kill",), "kill", "cancel jobs that run, too")
MEMORY: Final = Option(("--memory",), "memory", "memory of the instance", kind="unit", default=128)
MODE: Final = Option(
    ("-m", "--mode"),
    "mode",
    "kind of request",
    kind="choice",
    choices=(
        "allocate",
        "allocate-secondary",
        "change-group",
        "multi-allocate",
        "node-evacuate",
        "relocate",
    ),
    default="relocate",
)
NO_LOCKS: Final = switch(("-l", "--no-locks"), "no_locks", "do not lock the nodes")
ON_MASTER: Final = unswitch(("--no-master",), "on_master", "do not wait on the master")
ON_NODES: Final = Option(
    ("-n",), "on_nodes", "node to wait on; may be given several times", action="append", default=()
)
PREDICATES: Final = Option(
    ("--predicates",), "predicates", "list of predicates, as JSON", kind="json", default=()
)
REPEAT: Final = Option(("-r", "--repeat"), "repeat", "how often to repeat", kind="int", default="0")
REP_JOB: Final = Option(
    ("--job-repeat",), "rep_job", "how often each job is submitted", kind="int", default="1"
)
REP_OP: Final = Option(
    ("--op-repeat",), "rep_op", "how often each opcode is put into its job", kind="int", default="1"
)
SPINDLE_USE: Final = Option(
    ("--spindle-use",), "spindle_use", "spindle use of the instance", kind="int", default=1
)
STATUS_ERROR: Final = Option(
    ("--error",), "status_filter", "only failed jobs", action="store_const", const=("error",)
)
STATUS_FINISHED: Final = Option(
    ("--finished",),
    "status_filter",
    "only finished jobs",
    action="store_const",
    const=("canceled", "error", "success"),
)
STATUS_PENDING: Final = Option(
    ("--pending",),
    "status_filter",
    "only pending jobs",
    action="store_const",
    const=("canceling", "queued", "waiting"),
)
STATUS_QUEUED: Final = Option(
    ("--queued",), "status_filter", "only queued jobs", action="store_const", const=("queued",)
)
STATUS_RUNNING: Final = Option(
    ("--running",), "status_filter", "only running jobs", action="store_const", const=("running",)
)
STATUS_WAITING: Final = Option(
    ("--waiting",), "status_filter", "only waiting jobs", action="store_const", const=("waiting",)
)
TARGET_GROUPS: Final = Option(
    ("--target-groups",),
    "target_groups",
    "group to move to; may be given several times",
    action="append",
    default=(),
)
TIMING_STATS: Final = switch(("--timing-stats",), "timing_stats", "print how long it took")
VCPUS: Final = Option(("-p", "--vcpus"), "vcpus", "number of CPUs", kind="int", default=1)
