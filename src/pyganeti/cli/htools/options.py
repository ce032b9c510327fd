"""What the command lines of the htools say, as one value for all of them.

    words -> getopt.split -> read_options -> Options

Each tool knows some of the options (:data:`TOOLS`); the others keep their defaults. Source:
htools(1), hbal(1), hspace(1), hail(1), hroller(1), hscan(1), hsqueeze(1), harep(1).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from pyganeti.model.enums import DiskTemplate

from . import values
from .getopt import Option, Value
from .values import BadValue


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an instance to allocate: MiB, MiB, virtual processors."""

    disk: int
    memory: int
    cpus: int


@dataclass(frozen=True, slots=True)
class Options:
    """All options of all tools, by the names of their long forms.

    ``show_nodes`` is None for no table, otherwise fields, as typed, none for the usual ones.
    ``commands`` is None for no commands, empty for the standard output, otherwise a file.
    ``no_disk_moves`` and its like are what was asked for, not what is allowed.
    """

    show_nodes: tuple[str, ...] | None = None
    print_instances: bool = False
    commands: str | None = None
    save: str | None = None
    text_data: str | None = None
    simulate: tuple[str, ...] = ()
    master: str | None = None
    luxi: str | None = None
    ialloc_src: str | None = None
    verbosity: int = 1
    ignore_dynu: bool = False
    ignore_soft_errors: bool = False
    no_capacity_checks: bool = False
    restrict_to: tuple[str, ...] | None = None
    mond: bool = False
    mond_data: str | None = None
    mond_xen: bool = False
    exit_on_missing_mond_data: bool = False
    static_node_memory: int = 4096
    job_delay: float = 10.0
    reason: str | None = None
    dry_run: bool = False
    evac_mode: bool = False
    restricted_migration: bool = False
    execute: bool = False
    first_job_group: bool = False
    group: str | None = None
    max_length: int = -1
    offline: tuple[str, ...] = ()
    min_score: float = 1e-9
    max_cpu: float | None = None
    min_disk: float = 0.0
    min_gain: float = 0.01
    min_gain_limit: float = 0.1
    no_disk_moves: bool = False
    no_instance_moves: bool = False
    select_instances: tuple[str, ...] = ()
    exclude_instances: tuple[str, ...] = ()
    exclusion_tags: tuple[str, ...] | None = None
    dynu_file: str | None = None
    priority: str | None = None
    machine_readable: bool = False
    no_simulation: bool = False
    offline_maintenance: bool = False
    no_headers: bool = False
    node_tags: tuple[str, ...] | None = None
    print_moves: bool = False
    full_evacuation: bool = False
    skip_non_redundant: bool = False
    ignore_non_redundant: bool = False
    force: bool = False
    one_step_only: bool = False
    output_dir: str = "."
    disk_template: DiskTemplate | None = None
    spindle_use: int | None = None
    independent_groups: bool = False
    accept_existing: bool = False
    standard_alloc: Size | None = None
    tiered_alloc: Size | None = None
    minimal_resources: float = 2.0
    target_resources: float = 2.0
    version: bool = False
    help: bool = False
    help_completion: bool = False


Apply = Callable[[Options, str | None], dict[str, Any]]  # any field, each of its own type


def _set(**fields: Any) -> Apply:  # any field, each of its own type
    """Set fields, whatever stands behind the option."""
    return lambda _options, _text: fields


def _text(field: str) -> Apply:
    """Keep the text; an optional one that is missing is empty."""
    return lambda _options, text: {field: text or ""}


def _list(field: str) -> Apply:
    """Words with commas between them; the last option of the name counts."""
    return lambda _options, text: {field: _split(text)}


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _read(field: str, read: Callable[[str], Any]) -> Apply:  # as the field's type
    """Read the text as something else."""
    return lambda _options, text: {field: read(text or "")}


def _integer(field: str, what: str) -> Apply:
    return _read(field, partial(values.integer, what))


def _number(field: str, what: str) -> Apply:
    return _read(field, partial(values.number, what))


def _max_cpu(text: str) -> float:
    ratio = values.number("parsing max-cpu", text)
    if ratio <= 0:
        raise BadValue("Invalid value of the max-cpu ratio, expected >0")
    return ratio


def _spindle_use(text: str) -> int:
    spindles = values.integer("parsing spindle-use", text)
    if spindles < 0:
        raise BadValue("Invalid value of the spindle-use (expected >= 0)")
    return spindles


def _priority(text: str) -> str:
    if text not in ("low", "normal", "high"):
        raise BadValue(f"Unknown priority '{text}'")
    return text


def _size(kind: str, text: str) -> Size:
    parts = text.split(",")
    if len(parts) not in (3, 4):
        raise BadValue(f"Invalid {kind} specification: '{text}', expected disk,ram,cpu")
    disk = values.size(f"{kind} specs disk", parts[0])
    memory = values.size(f"{kind} specs memory", parts[1])
    return Size(disk, memory, values.integer(f"{kind} specs cpus", parts[2]))


def _show_nodes(_options: Options, text: str | None) -> dict[str, Any]:  # one field, see _set
    """Fields; behind a plus they come after the usual ones."""
    return {"show_nodes": _split(text)}


def _louder(by: int) -> Apply:
    return lambda options, _text: {"verbosity": options.verbosity + by}


def _more(field: str) -> Apply:
    """Options that may be given more than once."""
    return lambda options, text: {field: (*getattr(options, field), text)}


_TEMPLATES: Final = "diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster"
_LUXI_SOCKET: Final = "/var/run/ganeti/socket/ganeti-query"
N, O, R = Value.NONE, Value.OPTIONAL, Value.REQUIRED  # noqa: E741  a table reads by its columns

DECLARED: Final[tuple[tuple[Option, Apply], ...]] = (
    (Option("p", "print-nodes", "show the nodes in a table, with these fields", O, "FIELDS"),
     _show_nodes),
    (Option("", "print-instances", "show the instances in a table"), _set(print_instances=True)),
    (Option("C", "print-commands", "show the commands that do what was found, or write them to"
            " FILE", O, "FILE"), _text("commands")),
    (Option("S", "save", "write the state of the cluster to files whose names begin with FILE", R,
            "FILE"), _text("save")),
    (Option("t", "text-data", "read the cluster from a text file", R, "FILE", "file"),
     _text("text_data")),
    (Option("", "simulate", "make up an empty group, given as alloc_policy,nodes,disk,memory,cpus",
            R, "SPEC", "string"), _more("simulate")),
    (Option("m", "master", "ask the REST daemon at ADDRESS for the cluster", R, "ADDRESS", "host"),
     _text("master")),
    (Option("L", "luxi", f"ask the master daemon for the cluster, at SOCKET [{_LUXI_SOCKET}]", O,
            "SOCKET", "file"), _text("luxi")),
    (Option("I", "ialloc-src", "read the cluster from an allocator's request", R, "FILE", "file"),
     _text("ialloc_src")),
    (Option("v", "verbose", "say more"), _louder(1)),
    (Option("q", "quiet", "say less"), _louder(-1)),
    (Option("", "ignore-dynu", "take all loads for zero"), _set(ignore_dynu=True)),
    (Option("", "ignore-soft-errors", "break soft rules where a node breaks them already"),
     _set(ignore_soft_errors=True)),
    (Option("", "no-capacity-checks", "do not ask whether a node's instances find a place when it"
            " fails"), _set(no_capacity_checks=True)),
    (Option("", "restrict-allocation-to", "place instances on these nodes only", R, "NODE,...",
            "manynodes"), _list("restrict_to")),
    (Option("", "mond", "ask the monitoring daemons for loads: yes or no", O, "CHOICE",
            "choices=yes,no"), lambda _, text: {"mond": values.yes_or_no(text)}),
    (Option("", "mond-data", "read what monitoring daemons say from a file", R, "FILE", "file"),
     _text("mond_data")),
    (Option("", "mond-xen", "use what the monitoring daemons know about Xen, too"),
     _set(mond_xen=True)),
    (Option("", "exit-on-missing-mond-data", "stop if a monitoring daemon does not answer"),
     _set(exit_on_missing_mond_data=True)),
    (Option("", "static-kvm-node-memory", "count N MiB for each KVM node itself; 0 for what it"
            " reports", R, "N", "integer"), _integer("static_node_memory", "static node memory")),
    (Option("", "job-delay", "let repair jobs wait so long before they begin", R, "SECONDS",
            "float"), _number("job_delay", "job delay")),
    (Option("", "reason", "the reason to record with jobs", R, "REASON"), _text("reason")),
    (Option("", "dry-run", "say what would be done and do nothing"), _set(dry_run=True)),
    (Option("E", "evac-mode", "move instances off offline and drained nodes, and no others"),
     _set(evac_mode=True)),
    (Option("", "restricted-migration", "replace no primary nodes, and migrate only off drained"
            " nodes"), _set(restricted_migration=True)),
    (Option("X", "exec", "do it, by way of the master daemon that was asked"), _set(execute=True)),
    (Option("", "first-job-group", "do the first set of jobs only"), _set(first_job_group=True)),
    (Option("G", "group", "the node group, by name or UUID", R, "ID", "onegroup"), _text("group")),
    (Option("l", "max-length", "find so many moves or allocations at most", R, "N", "integer"),
     _integer("max_length", "max solution length")),
    (Option("O", "offline", "take this node for offline; may be repeated", R, "NODE", "onenode"),
     _more("offline")),
    (Option("e", "min-score", "be content with a score so little above the lowest possible", R,
            "EPSILON", "float"), _number("min_score", "min score")),
    (Option("", "max-cpu", "so many virtual processors a physical one at most [from the policy]",
            R, "RATIO", "float"), _read("max_cpu", _max_cpu)),
    (Option("", "min-disk", "keep this part of each node's disk free, 0 to 1 [0]", R, "RATIO",
            "float"), _number("min_disk", "min free disk space")),
    (Option("g", "min-gain", "stop when a step gains less", R, "DELTA", "float"),
     _number("min_gain", "min gain")),
    (Option("", "min-gain-limit", "look at the gain of steps only below this score", R, "SCORE",
            "float"), _number("min_gain_limit", "min gain limit")),
    (Option("", "no-disk-moves", "move no disks: fail over and migrate only"),
     _set(no_disk_moves=True)),
    (Option("", "no-instance-moves", "leave instances where they run: replace secondaries only"),
     _set(no_instance_moves=True)),
    (Option("", "select-instances", "move these instances only", R, "INSTS", "manyinstances"),
     _list("select_instances")),
    (Option("", "exclude-instances", "do not move these instances", R, "INSTS", "manyinstances"),
     _list("exclude_instances")),
    (Option("", "exclusion-tags", "keep instances apart that share a tag with such a prefix", R,
            "TAG,...", "string"), _list("exclusion_tags")),
    (Option("U", "dynu-file", "read the loads of instances from a file", R, "FILE", "file"),
     _text("dynu_file")),
    (Option("", "priority", "the priority of jobs: low, normal or high", R, "PRIO",
            "choices=low,normal,high"), _read("priority", _priority)),
    (Option("", "machine-readable", "print keys and values for a program: yes or no", O, "CHOICE",
            "choices=yes,no"), lambda _, text: {"machine_readable": values.yes_or_no(text)}),
    (Option("", "no-simulation", "look at the cluster as it is, without balancing it"),
     _set(no_simulation=True)),
    (Option("", "offline-maintenance", "plan as if all instances were down"),
     _set(offline_maintenance=True)),
    (Option("", "no-headers", "print no line of headings"), _set(no_headers=True)),
    (Option("", "node-tags", "plan for nodes with one of these tags only", R, "TAG,...", "string"),
     _list("node_tags")),
    (Option("", "print-moves", "show where each instance goes"), _set(print_moves=True)),
    (Option("", "full-evacuation", "clear the nodes of secondaries, too"),
     _set(full_evacuation=True)),
    (Option("", "skip-non-redundant", "leave out nodes with instances that have no second node"),
     _set(skip_non_redundant=True)),
    (Option("", "ignore-non-redundant", "plan as if there were no instances without a second"
            " node"), _set(ignore_non_redundant=True)),
    (Option("f", "force", "go on where a warning would stop"), _set(force=True)),
    (Option("", "one-step-only", "plan the first step only"), _set(one_step_only=True)),
    (Option("d", "output-dir", "the directory to write files to", R, "PATH", "dir"),
     _text("output_dir")),
    (Option("", "disk-template", "the disk template of the instances to place", R, "TEMPLATE",
            f"choices={_TEMPLATES}"), _read("disk_template", values.disk_template)),
    (Option("", "spindle-use", "the spindles that an instance to place uses", R, "SPINDLES",
            "float"), _read("spindle_use", _spindle_use)),
    (Option("", "independent-groups", "let a group that is in trouble not stop the others"),
     _set(independent_groups=True)),
    (Option("", "accept-existing-errors", "allocate though nodes fail the N+1 check already"),
     _set(accept_existing=True)),
    (Option("", "standard-alloc", "place instances of this size, given as disk,memory,cpus", R,
            "STDSPEC", "string"), _read("standard_alloc", partial(_size, "standard"))),
    (Option("", "tiered-alloc", "place smaller and smaller ones from this size on, given as"
            " disk,memory,cpus", R, "TSPEC", "string"),
     _read("tiered_alloc", partial(_size, "tiered"))),
    (Option("", "minimal-resources", "bring nodes up until each has room for FACTOR standard"
            " instances", R, "FACTOR", "float"), _number("minimal_resources", "minimal resources")),
    (Option("", "target-resources", "take nodes down while each keeps room for FACTOR standard"
            " instances", R, "FACTOR", "float"), _number("target_resources", "target resources")),
    (Option("V", "version", "show the version"), _set(version=True)),
    (Option("h", "help", "show this help"), _set(help=True)),
    (Option("", "help-completion", "show the options for a shell that completes them"),
     _set(help_completion=True)),
)  # fmt: skip
_BY_NAME: Final = {option.long: (option, apply) for option, apply in DECLARED}


def get_option(name: str) -> Option:
    """The option with the long form ``name``."""
    return _BY_NAME[name][0]


def read_options(given: Iterable[tuple[Option, str | None]]) -> Options:
    """What ``given`` says, from left to right.

    Raises:
        BadValue: the first that cannot be read.
    """
    options = Options()
    for option, text in given:
        _, apply = _BY_NAME[option.long]
        options = replace(options, **apply(options, text))
    return options
