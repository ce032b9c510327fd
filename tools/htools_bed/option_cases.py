"""Command lines that try the options of the tools, right and wrong ones."""

from collections.abc import Iterator
from random import Random
from typing import Final

from tools.htools_bed.cases import DATA, MIDDLE, Case, is_grouped

TOOLS: Final = (
    "hail",
    "harep",
    "hbal",
    "hcheck",
    "hinfo",
    "hroller",
    "hscan",
    "hspace",
    "hsqueeze",
)

BALANCE: Final[tuple[tuple[str, ...], ...]] = (
    ("-l", "5"),
    ("-l", "0"),
    ("-e", "0.5"),
    ("-g", "0.05", "--min-gain-limit", "10"),
    ("--no-disk-moves",),
    ("--no-instance-moves",),
    ("-E",),
    ("--restricted-migration",),
    ("--evac-mode", "--restricted-migration"),
    ("--select-instances", "inst1.example.com,inst2,inst3,inst4.example.com"),
    ("--exclude-instances=inst1.example.com,inst2.example.com,inst5,inst6,inst7,inst8",),
    ("--max-cpu", "2.0"),
    ("--min-disk", "0.4"),
    ("-O", "node2.example.com"),
    ("-O", "node1", "-O", "node3"),
    ("--ignore-dynu",),
    ("--ignore-soft-errors",),
    ("--exclusion-tags", "other,service"),
    ("-U", "util"),
    ("-U", "util", "--ignore-dynu"),
    ("--mond-data", "mond", "--mond=yes"),
    ("-S", "saved", "-C"),
    ("-Cscript", "-q"),
    ("-q", "-q"),
    ("-pname,pcnt,scnt,plist,slist",),
    ("-p+cload,mload,dload,nload,hi_spindles,inst_spindles,spindle_count",),
)

FAULTS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("--bogus",),
    ("-Z",),
    ("--help",),
    ("-h", "--bogus"),
    ("--help-completion",),
    ("extra",),
    (*DATA, "extra", "words"),
    ("-t", "missing.data"),
    ("-t",),
    (*DATA, "-m", "somewhere"),
    (*DATA, "-I", "other"),
    (*DATA, "-l", "x"),
    (*DATA, "-l", "-3"),
    (*DATA, "-e", "wrong"),
    (*DATA, "--max-cpu", "-1"),
    (*DATA, "--max-cpu", "x"),
    (*DATA, "--min-disk", "1.5"),
    (*DATA, "--min-disk", "-0.1"),
    (*DATA, "-O", "nowhere"),
    (*DATA, "-O", "node"),
    (*DATA, "-G", "nogroup"),
    (*DATA, "--select-instances", "nobody"),
    (*DATA, "--exclude-instances", "nobody"),
    (*DATA, "--machine-readable=maybe"),
    (*DATA, "-pbogus"),
    (*DATA, "-p="),
    (*DATA, "-X"),
    (*DATA, "--mond=maybe"),
    (*DATA, "--priority", "urgent"),
    (*DATA, "--disk-template", "floppy"),
    (*DATA, "--disk-template", "diskless"),
    (*DATA, "--spindle-use", "-1"),
    (*DATA, "--standard-alloc", "1,2"),
    (*DATA, "--standard-alloc", "x,1,1"),
    (*DATA, "--tiered-alloc", "1q,1,1"),
    (*DATA, "--no-hea"),
    (*DATA, "--min"),
    (*DATA, "--minimal-resources", "x"),
    (*DATA, "--static-kvm-node-memory", "x"),
    (*DATA, "-d", "elsewhere"),
    ("--simulate", "p,3,100g,8g"),
    ("--simulate", "x,3,100g,8g,4"),
    ("--simulate", "p,x,100g,8g,4"),
    ("--simulate", "p,3,100q,8g,4"),
    (*DATA, "--simulate", "p,3,100g,8g,4"),
    ("--job-delay", "x"),
    ("--verbose=3",),
    ("-qvp", *DATA),
)

SIMULATIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("p,3,100g,8g,4",),
    ("preferred,20,100G,16g,4,2",),
    ("a,4,1t,64g,16,8", "u,3,100G,8g,4", "p,2,50000,4000M,2,1"),
    ("p,5,1000gib,32GB,8,12,Y",),
    ("allocable,2,10g,2048,4,1", "last_resort,2,10g,2g,4"),
    ("p,1,100g,8g,4",),
    ("p,0,100g,8g,4",),
    ("p,3,100M,100M,1",),
)


def _util(text: str, seed: str) -> str:
    """Loads for all instances of the cluster of ``text``."""
    rng = Random(seed)
    rows = text.split("\n\n")[2].splitlines()
    names = [row.split("|")[0] for row in rows if "|" in row]
    return "".join(f"{name} {' '.join(_figure(rng) for _ in range(4))}\n" for name in names)


def _figure(rng: Random) -> str:
    """A load."""
    return f"{rng.random() * rng.choice((0.1, 1, 2)):.3f}"


def _broken(text: str) -> Iterator[tuple[str, str]]:
    """``text`` spoiled in one place each: what is wrong, and the text."""
    groups, nodes, instances, tags, policies = (text.split("\n\n") + [""] * 5)[:5]
    node, instance = nodes.splitlines()[0], instances.splitlines()[0]

    def whole(*parts: str) -> str:
        return "\n\n".join(parts)

    cells, inner = node.split("|"), instance.split("|")
    yield "empty", ""
    yield "newline", "\n"
    yield "one-section", groups + "\n"
    yield "three-sections", whole(groups, nodes, instances) + "\n"
    yield "no-policies", whole(groups, nodes, instances, tags)
    yield "swapped", whole(nodes, groups, instances, tags, policies)
    yield "short-group", whole(groups.rsplit("|", 3)[0], nodes, instances, tags, policies)
    yield (
        "bad-policy",
        whole(groups.replace("preferred", "liked"), nodes, instances, tags, policies),
    )
    for column, value in (
        (1, "x"),
        (1, "-5"),
        (3, ""),
        (7, "Q"),
        (8, "nogroup"),
        (9, "s"),
        (14, "v"),
    ):
        row = "|".join([*cells[:column], value, *cells[column + 1 :]])
        spoiled = nodes.replace(node, row, 1)
        yield f"node-{column}-{value}", whole(groups, spoiled, instances, tags, policies)
    for length in (3, 8, 9, 10, 12, 13, 14):
        spoiled = nodes.replace(node, "|".join(cells[:length]), 1)
        yield f"node-short-{length}", whole(groups, spoiled, instances, tags, policies)
    wrong: tuple[tuple[int, str], ...] = (
        (1, "x"),
        (2, "-7"),
        (3, "99999999999999999999"),
        (4, "sleeping"),
        (5, "Z"),
        (6, "nonode"),
        (7, "nonode"),
        (8, "floppy"),
        (10, "u"),
        (11, "w"),
        (12, "Z"),
    )
    for column, value in wrong:
        row = "|".join([*inner[:column], value, *inner[column + 1 :]])
        spoiled = instances.replace(instance, row, 1)
        yield f"instance-{column}-{value}", whole(groups, nodes, spoiled, tags, policies)
    same = "|".join([*inner[:7], inner[6], *inner[8:]])
    yield "same-node", whole(groups, nodes, instances.replace(instance, same, 1), tags, policies)
    for length in (4, 9, 10, 11, 12):
        spoiled = instances.replace(instance, "|".join(inner[:length]), 1)
        yield f"instance-short-{length}", whole(groups, nodes, spoiled, tags, policies)
    yield "twice", whole(groups, f"{nodes}\n{node}", f"{instances}\n{instance}", tags, policies)
    for old, new in (("|4.0|", "|x|"), ("|32.0", ""), ("128,1,", "128,"), ("diskless,", "tape,")):
        spoiled = policies.replace(old, new, 1)
        yield f"policy-{old}-{new}", whole(groups, nodes, instances, tags, spoiled)


def cases(clusters: dict[str, str]) -> Iterator[Case]:
    """All of them."""
    middle = [name for name in clusters if name.endswith(MIDDLE) and not is_grouped(name)]
    for number, words in enumerate(BALANCE):
        for name in middle[number % 7 :: 7]:
            files = {"util": _util(clusters[name], name)} if "util" in words else {}
            args = (*DATA, *words)
            yield Case(f"hbal-{number}-{name}", "hbal", args, name, files)
    one = "plain-5x24"
    for tool in TOOLS:
        for number, words in enumerate(FAULTS):
            yield Case(f"{tool}-fault-{number}", tool, words, one)
    for number, groups in enumerate(SIMULATIONS):
        args = tuple(word for spec in groups for word in ("--simulate", spec))
        yield Case(f"hspace-simulated-{number}", "hspace", (*args, "-p"))
        yield Case(f"hspace-simulated-mr-{number}", "hspace", (*args, "--machine-readable"))
        args += ("--disk-template", "drbd", "-S", "saved", "-l", "9")
        yield Case(f"hspace-simulated-drbd-{number}", "hspace", args)
    for label, text in _broken(clusters["plain-4x14"]):
        for tool in ("hinfo", "hbal"):
            yield Case(f"{tool}-broken-{label}", tool, DATA, files={"cluster.data": text})
    for label, text in _loads(clusters[one]):
        args = (*DATA, "-U", "util")
        yield Case(f"hbal-util-{label}", "hbal", args, one, {"util": text})


def _loads(text: str) -> Iterator[tuple[str, str]]:
    """Files of loads, wrong ones."""
    good = _util(text, "loads").splitlines()
    yield "empty", ""
    yield "unknown", "nobody 1 1 1 1\n"
    yield "short", "inst1.example.com 1 1 1\n"
    yield "long", f"{good[0]} 1\n"
    yield "word", "inst1.example.com 1 x 1 1\n"
    yield "blank", "\n".join([good[0], "", good[1]])
    yield "alias", "inst1 0.1 0.2 0.3 0.4\n"
