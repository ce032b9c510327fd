"""Our commands print what Ganeti's print on the same cluster.

Each transcript in ``tests/golden/ganeti`` is typed again, in its order, on a cluster of ours that
was made from Ganeti's configuration, jobs and exports.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.ganeti_cluster import GANETI, MASTER
from tests.e2e.golden_rules import OTHERWISE, RULES
from tests.e2e.vcluster import Cluster
from tools.golden import answer
from tools.machine import CHECKOUT
from tools.sameness import differences
from tools.transcript import Exchange, parse

# Jobs are listed before other commands add to them; what changes something and is refused is last.
_ORDER: Final = ("gnt-job-list.txt", "gnt-job-info.txt")
_LAST: Final = ("gnt-debug-locks.txt", "gnt-os.txt", "gnt-storage.txt", "gnt-node-storage.txt",
                "gnt-group-changes.txt", "gnt-network-changes.txt", "refused.txt")  # fmt: skip
_NOT_BUILT: Final = re.compile(r"^(gnt-\S+ \S+?|OP_\w+):? (?:is )?not built yet", re.M)


def _place(path: Path) -> tuple[int, str]:
    if path.name in _ORDER:
        return (0, str(_ORDER.index(path.name)))
    return (2, str(_LAST.index(path.name))) if path.name in _LAST else (1, path.name)


PENDING: Final = CHECKOUT / "tests" / "spec" / "pending.toml"
FILES: Final = sorted(
    (path for path in GANETI.glob("*.txt") if path.name != "cluster.txt"), key=_place
)


@cache
def unbuilt() -> frozenset[str]:
    """Commands and opcodes in ``pending.toml``."""
    entries = tomllib.loads(PENDING.read_text("utf-8"))["pending"]
    return frozenset(one["name"] for one in entries if one["kind"] in ("command", "opcode"))


def waits(ours: Exchange) -> bool:
    """Whether our answer is that something is not built yet, and ``pending.toml`` says so, too."""
    found = _NOT_BUILT.search(ours.err)
    return found is not None and found[1] in unbuilt()


def unexpected(theirs: Exchange, ours: Exchange) -> list[str]:
    """What differs and should not; things that are not built yet are passed over."""
    if waits(ours) or theirs.command in OTHERWISE:
        return []
    return differences(theirs, ours, RULES)


def check(theirs: Exchange, ours: Exchange) -> list[str]:
    """What is wrong with our answer; a difference on purpose must be there, too."""
    if theirs.command in OTHERWISE and not waits(ours) and not differences(theirs, ours, RULES):
        return ["it is the same now: remove it from OTHERWISE"]
    return unexpected(theirs, ours)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_output_is_ganetis(golden_cluster: Cluster, path: Path) -> None:
    wrong = []
    for theirs in parse(path.read_text("utf-8")).exchanges:
        found = check(theirs, answer(lambda words: golden_cluster.run(MASTER, *words), theirs))
        wrong += [f"$ {theirs.command}", *found] if found else []
    assert not wrong, "\n".join(wrong)
