"""What is run on the clusters of the bed: a command line for each tool, and its input files.

    cluster texts -> Case (program, arguments, files) -> Answer (code, stdout, stderr, files)

Programs run in a directory of their own, in which the cluster is ``cluster.data``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

DATA: Final = ("-t", "cluster.data")
# The clusters on which options are tried: small enough to be quick, large enough to move a lot.
MIDDLE: Final = ("-8x40", "-10x60")
# So long takes Ganeti's program on larger ones that a part must do.
LARGE: Final = ("-20x120", "-40x300")


@dataclass(frozen=True, slots=True)
class Case:
    """One run: ``cluster`` names the text that is ``cluster.data``; ``files`` are further ones."""

    name: str
    program: str
    args: tuple[str, ...]
    cluster: str = ""
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it; ``files`` are those that the program made, by name."""

    code: int
    out: str
    err: str
    files: dict[str, str] = field(default_factory=dict)


def is_grouped(cluster: str) -> bool:
    """Whether a balancer must be told which group."""
    return cluster.startswith("groups")


def _pick(cluster: str) -> tuple[str, ...]:
    """The option that picks a group, where there is more than one."""
    return ("-G", "group1") if is_grouped(cluster) else ()


def hbal_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster to the end, with all that can be shown in turn."""
    shows = (("-p", "-C"), ("-p", "-v"), ("--print-instances", "-C"), ("-v", "-v", "-p"))
    for number, name in enumerate(clusters):
        args = (*DATA, *shows[number % len(shows)], *_pick(name))
        yield Case(f"hbal-{name}", "hbal", args, name)


def hinfo_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster."""
    shows: tuple[tuple[str, ...], ...] = (
        ("-p", "--print-instances"),
        (),
        ("-v", "-p"),
        ("-q", "--print-instances"),
        ("-vvv",),
        ("-p+umem,amem,tcpu,ucpu,ptags", "--ignore-dynu"),
    )
    for number, name in enumerate(clusters):
        yield Case(f"hinfo-{name}", "hinfo", (*DATA, *shows[number % len(shows)]), name)


def hcheck_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster, the larger ones as they are."""
    shows = (
        ("--machine-readable",),
        (),
        ("-v",),
        ("--machine-readable=no", "--no-capacity-checks"),
    )
    for number, name in enumerate(clusters):
        still = ("--no-simulation",) if name.endswith(LARGE) else ()
        args = (*DATA, *shows[number % len(shows)], *still)
        yield Case(f"hcheck-{name}", "hcheck", args, name)
        if number % 5 == 0:
            args = (*DATA, "--no-simulation", "--machine-readable")
            yield Case(f"hcheck-still-{name}", "hcheck", args, name)


def hspace_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster up to the large ones; templates, forms and bounds in turn."""
    ways: tuple[tuple[str, ...], ...] = (
        ("--machine-readable",),
        (),
        ("--machine-readable", "--accept-existing-errors", "--disk-template", "drbd"),
        ("--independent-groups", "--tiered-alloc", "20g,2g,2", "-p"),
        ("--machine-readable", "--standard-alloc", "4g,1g,1", "--disk-template=plain"),
        ("--no-capacity-checks", "--disk-template=rbd", "--accept-existing-errors", "-v"),
        ("--machine-readable", "-l", "7", "--accept-existing-errors", "--max-cpu=2.5"),
        ("-S", "saved", "--independent-groups", "-l", "4", "--min-disk", "0.2"),
    )
    for number, name in enumerate(clusters):
        args = (*DATA, *ways[number % len(ways)])
        if name.endswith(LARGE) and "-l" not in args:
            args += ("-l", "12")
        yield Case(f"hspace-{name}", "hspace", args, name)


def place_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster: where the first instances that are added go, by disk template in turn."""
    templates = ("drbd", "rbd", "plain", "drbd", "sharedfile")
    size = "4096,1024,2"
    for number, name in enumerate(clusters):
        template = templates[number % len(templates)]
        args = (
            *DATA, "--accept-existing-errors", "--no-capacity-checks", "-l", "4", "-S", "saved",
            f"--disk-template={template}", f"--standard-alloc={size}", f"--tiered-alloc={size}",
        )  # fmt: skip
        yield Case(f"place-{template}-{name}", "hspace", args, name)


def hroller_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Every cluster; ways of rebooting in turn."""
    ways: tuple[tuple[str, ...], ...] = (
        (),
        ("--offline-maintenance",),
        ("--print-moves",),
        ("--ignore-non-redundant",),
        ("--skip-non-redundant", "--print-moves"),
        ("--full-evacuation", "--print-moves"),
        ("--one-step-only",),
        ("--one-step-only", "--no-headers", "-f"),
        ("--node-tags", "needsreboot", "-f"),
        ("-S", "saved", "-v"),
    )
    for number, name in enumerate(clusters):
        args = (*DATA, *ways[number % len(ways)])
        yield Case(f"hroller-{name}", "hroller", args, name)
        if number % 3 == 0 and not name.endswith(LARGE):
            args = (*DATA, "--full-evacuation", "--print-moves", "-f", *_pick(name))
            yield Case(f"hroller-evacuate-{name}", "hroller", args, name)


def hsqueeze_cases(clusters: dict[str, str]) -> Iterator[Case]:
    """Clusters with nodes that wait, or with nothing on their disks."""
    ways: tuple[tuple[str, ...], ...] = (
        (),
        ("-C",),
        ("-v", "--target-resources=8"),
        ("--minimal-resources=20", "-C"),
        ("-S", "saved", "--minimal-resources", "60", "--target-resources", "70"),
        ("--minimal-resources=1", "--target-resources=1.5", "--no-headers", "-Cfile"),
    )
    names = [name for name in clusters if name.startswith(("standby", "shared", "templates"))]
    for name in names:
        if not name.endswith(LARGE):
            for number, way in enumerate(ways):
                yield Case(f"hsqueeze-{name}-{number}", "hsqueeze", (*DATA, *way), name)


def make(clusters: dict[str, str]) -> dict[str, list[Case]]:
    """All cases, by the file that keeps their answers."""
    # Imported here: it is built on what stands above.
    from tools.htools_bed import option_cases

    return {
        "hbal": list(hbal_cases(clusters)),
        "hinfo": list(hinfo_cases(clusters)),
        "hcheck": list(hcheck_cases(clusters)),
        "hroller": list(hroller_cases(clusters)),
        "hsqueeze": list(hsqueeze_cases(clusters)),
        "hspace": list(hspace_cases(clusters)),
        "places": list(place_cases(clusters)),
        "options": list(option_cases.cases(clusters)),
    }
