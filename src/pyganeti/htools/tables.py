"""Tables of nodes, instances and metrics: what ``--print-nodes`` and its like show.

    State, fields -> rows of cells -> table (aligned text)

Source: htools(1), ``--print-nodes``; what Ganeti's tools print.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pyganeti.model.enums import InstanceStatus

from .metrics import METRICS, values
from .model import Cluster
from .numerals import fixed
from .state import Ints, Q, State
from .tags import EXCLUSION, matching, prefixes

GIB: Final = 1024


@dataclass(frozen=True, slots=True)
class _Field:
    """A column: ``show`` takes the state and the number of a node; numbers stand to the right."""

    title: str
    show: Callable[[State, int], str]
    numeric: bool = True


def _ratio(part: float, whole: float) -> float:
    """``part`` of ``whole``, without end where there is no whole."""
    if whole:
        return part / whole
    return float("nan") if part == 0 else float("inf") if part > 0 else float("-inf")


def _status(state: State, node: int) -> str:
    if state.offline[node]:
        return "-"
    return "*" if state.failing[node] else " "


def _own_memory(state: State, node: int) -> int:
    """What the instances that run on the node take."""
    return int(state.needs_memory[state.primary == node].sum())


def _lost_memory(state: State, node: int) -> int:
    """What was neither the node's, nor an instance's, nor reported as free, before any move."""
    it = state.nodes[node]
    there = np.array([instance.primary == it.name for instance in state.instances], bool)
    used = it.node_memory + int(state.needs_memory[there].sum())
    return int(it.total_memory) - used - it.free_memory


def _free_disk(state: State, node: int) -> float:
    """The free part of the disk, or of the spindles; all of it where there is none."""
    whole = float(state.total[Q.DISK, node])
    return float(state.amount[Q.DISK, node]) / whole if whole else 1.0


def _numbers(instances: Ints) -> str:
    """Instances by number, the last one first."""
    return f"[{','.join(str(i) for i in reversed(instances.tolist()))}]"


def _on(state: State, node: int, where: Ints) -> Ints:
    """The instances that have ``node`` as the node that ``where`` tells of."""
    return np.flatnonzero((where == node) & state.real)


def _tags(state: State, node: int) -> str:
    """Exclusion tags of the instances that run on the node, with how many have each."""
    known = prefixes(state.cluster.tags, EXCLUSION)
    here = [i for i, p in zip(state.instances, state.primary, strict=True) if p == node]
    counts = Counter(tag for instance in here for tag in matching(instance.tags, known))
    return ",".join(f"{tag}={count}" for tag, count in sorted(counts.items()))


def _peers(state: State, node: int) -> str:
    """For whose failure the node holds how much memory, the most first."""
    row = state.peers[node]
    held = sorted(((int(row[p]), int(p)) for p in np.flatnonzero(row)), reverse=True)
    return f"[{','.join(f'({peer},{memory})' for memory, peer in held)}]"


def _amount(quantity: Q, digits: int) -> Callable[[State, int], str]:
    return lambda s, k: fixed(float(s.amount[quantity, k]), digits)


FIELDS: Final = {
    "idx": _Field("Index", lambda _, k: str(k)),
    "status": _Field("F", _status, numeric=False),
    # The name without what all names end in is known to who asks for the table.
    "name": _Field("Name", lambda s, k: s.nodes[k].name, numeric=False),
    "fqdn": _Field("Name", lambda s, k: s.nodes[k].name, numeric=False),
    "tmem": _Field("t_mem", lambda s, k: f"{s.nodes[k].total_memory:.0f}"),
    "nmem": _Field("n_mem", lambda s, k: str(s.nodes[k].node_memory)),
    "imem": _Field("i_mem", lambda s, k: str(_own_memory(s, k))),
    "xmem": _Field("x_mem", lambda s, k: str(_lost_memory(s, k))),
    "fmem": _Field("f_mem", lambda s, k: str(s.nodes[k].free_memory)),
    "umem": _Field("u_mem", lambda s, k: str(s.free_mem[k])),
    "rmem": _Field("r_mem", lambda s, k: str(s.reserved[k])),
    "amem": _Field("a_mem", lambda s, k: str(max(0, s.free_mem[k] - s.reserved[k]))),
    "tdsk": _Field("t_dsk", lambda s, k: f"{s.nodes[k].total_disk / GIB:.0f}"),
    "fdsk": _Field("f_dsk", lambda s, k: str(int(s.free_disk[k]) // GIB)),
    "tcpu": _Field("pcpu", lambda s, k: f"{s.nodes[k].total_cpus:.0f}"),
    "ucpu": _Field("vcpu", _amount(Q.CPU, 0)),
    "pcnt": _Field("pcnt", lambda s, k: str(int(((s.primary == k) & s.real).sum()))),
    "scnt": _Field("scnt", lambda s, k: str(int(((s.secondary == k) & s.real).sum()))),
    "pfmem": _Field(
        "p_fmem",
        lambda s, k: fixed(_ratio(float(s.amount[Q.MEM, k]), s.nodes[k].total_memory), 4),
    ),
    "pfdsk": _Field("p_fdsk", lambda s, k: fixed(_free_disk(s, k), 4)),
    "rcpu": _Field(
        "r_cpu",
        # Here, unlike in the score, the speed of the processors does not count.
        lambda s, k: fixed(_ratio(float(s.amount[Q.CPU, k]), s.nodes[k].total_cpus), 2),
    ),
    "cload": _Field("lCpu", _amount(Q.CPU_LOAD, 3)),
    "mload": _Field("lMem", _amount(Q.MEM_LOAD, 3)),
    "dload": _Field("lDsk", _amount(Q.DISK_LOAD, 3)),
    "nload": _Field("lNet", _amount(Q.NET_LOAD, 3)),
    "plist": _Field("primaries", lambda s, k: _numbers(_on(s, k, s.primary))),
    "slist": _Field("secondaries", lambda s, k: _numbers(_on(s, k, s.secondary))),
    "ptags": _Field("PrimaryTags", _tags, numeric=False),
    "peermap": _Field("PeerMap", _peers, numeric=False),
}
_UNKNOWN: Final = _Field("<unknown field>", lambda _s, _k: "<unknown field>", numeric=False)
USUAL: Final = (
    "status", "name", "tmem", "nmem", "imem", "xmem", "fmem", "umem", "rmem", "tdsk", "fdsk",
    "tcpu", "ucpu", "pcnt", "scnt", "pfmem", "pfdsk", "rcpu", "cload", "mload", "dload", "nload",
)  # fmt: skip


def wanted_fields(asked: Sequence[str]) -> tuple[str, ...]:
    """The fields that the words of ``--print-nodes`` mean: none the usual ones, ``+`` more."""
    if not asked:
        return USUAL
    first, *others = asked
    return (*USUAL, first[1:], *others) if first.startswith("+") else tuple(asked)


def nodes_table(state: State, names: Sequence[str], fields: Sequence[str] = USUAL) -> str:
    """The nodes of ``state``, which are called ``names``, a line each under a line of titles."""
    columns = [FIELDS.get(field, _UNKNOWN) for field in fields]
    rows = [[column.title for column in columns]]
    for node, name in enumerate(names):
        cells = [column.show(state, node) for column in columns]
        rows.append([name if f == "name" else c for f, c in zip(fields, cells, strict=True)])
    return table(rows, [column.numeric for column in columns])


_INSTANCE_TITLES: Final = (
    "F", "Name", "Pri_node", "Sec_node", "Auto_bal", "vcpu", "mem", "dsk", "lCpu", "lMem", "lDsk",
    "lNet",
)  # fmt: skip


def instances_table(cluster: Cluster) -> str:
    """The instances, a line each under a line of titles; R marks one that runs."""
    rows: list[Sequence[str]] = [_INSTANCE_TITLES]
    for it in cluster.instances:
        running = it.status in (InstanceStatus.RUNNING, InstanceStatus.ERROR_UP)
        load = (it.util.cpu, it.util.memory, it.util.disk, it.util.net)
        rows.append(
            ("R" if running else " ", it.name, it.primary, it.secondary or "",
             "Y" if it.auto_balance else "N", str(it.vcpus), f"{it.memory:5}",
             f"{it.disk // GIB:5}",
             *(fixed(value, 3) for value in load))
        )  # fmt: skip
    return table(rows, [False] * 5 + [True] * 7)


def metrics_table(state: State) -> str:
    """The metrics with values and weights; no node, no metrics."""
    rows = [["Field", "Value", "Weight"]]
    if state.nodes:
        rows += [
            [metric.name, fixed(value, 8), f"x{metric.weight:.2f}"]
            for metric, value in zip(METRICS, values(state), strict=True)
        ]
    return table(rows, [False, True, True])


def table(rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """``rows`` in columns, a space before each; numbers stand to the right."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "".join(
        "".join(
            f" {cell:>{width}}" if right else f" {cell:<{width}}"
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        + "\n"
        for row in rows
    )
