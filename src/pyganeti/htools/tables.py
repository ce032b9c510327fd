"""Tables of nodes: what ``--print-nodes`` shows.

    State, fields -> rows of cells -> table (aligned text)

Source: htools(1), ``--print-nodes``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .state import Q, State

GIB: Final = 1024


@dataclass(frozen=True, slots=True)
class _Field:
    """A column: ``show`` takes the state and the number of a node; numbers stand to the right."""

    title: str
    show: Callable[[State, int], str]
    numeric: bool = True


def _fixed(value: float, digits: int) -> str:
    """``value`` with so many digits, or the word that the tools have for what is no number."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.{digits}f}"


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


def _amount(quantity: Q, digits: int) -> Callable[[State, int], str]:
    return lambda s, k: _fixed(float(s.amount[quantity, k]), digits)


FIELDS: Final = {
    "status": _Field("F", _status, numeric=False),
    "fqdn": _Field("Name", lambda s, k: s.nodes[k].name, numeric=False),
    "tmem": _Field("t_mem", lambda s, k: f"{s.nodes[k].total_memory:.0f}"),
    "nmem": _Field("n_mem", lambda s, k: str(s.nodes[k].node_memory)),
    "imem": _Field("i_mem", lambda s, k: str(_own_memory(s, k))),
    "xmem": _Field("x_mem", lambda s, k: str(_lost_memory(s, k))),
    "fmem": _Field("f_mem", lambda s, k: str(s.nodes[k].free_memory)),
    "umem": _Field("u_mem", lambda s, k: str(s.free_mem[k])),
    "rmem": _Field("r_mem", lambda s, k: str(s.reserved[k])),
    "amem": _Field("a_mem", lambda s, k: str(s.free_mem[k] - s.reserved[k])),
    "tdsk": _Field("t_dsk", lambda s, k: f"{s.nodes[k].total_disk / GIB:.0f}"),
    "fdsk": _Field("f_dsk", lambda s, k: str(int(s.free_disk[k]) // GIB)),
    "tcpu": _Field("pcpu", lambda s, k: f"{s.nodes[k].total_cpus:.0f}"),
    "ucpu": _Field("vcpu", _amount(Q.CPU, 0)),
    "pcnt": _Field("pcnt", lambda s, k: str(int(((s.primary == k) & s.real).sum()))),
    "scnt": _Field("scnt", lambda s, k: str(int(((s.secondary == k) & s.real).sum()))),
    "pfmem": _Field(
        "p_fmem",
        lambda s, k: _fixed(_ratio(float(s.amount[Q.MEM, k]), s.nodes[k].total_memory), 4),
    ),
    "pfdsk": _Field("p_fdsk", lambda s, k: _fixed(_free_disk(s, k), 4)),
    "rcpu": _Field(
        "r_cpu",
        # Here, unlike in the score, the speed of the processors does not count.
        lambda s, k: _fixed(_ratio(float(s.amount[Q.CPU, k]), s.nodes[k].total_cpus), 2),
    ),
    "cload": _Field("lCpu", _amount(Q.CPU_LOAD, 3)),
    "mload": _Field("lMem", _amount(Q.MEM_LOAD, 3)),
    "dload": _Field("lDsk", _amount(Q.DISK_LOAD, 3)),
    "nload": _Field("lNet", _amount(Q.NET_LOAD, 3)),
}
USUAL: Final = (
    "status", "fqdn", "tmem", "nmem", "imem", "xmem", "fmem", "umem", "rmem", "tdsk", "fdsk",
    "tcpu", "ucpu", "pcnt", "scnt", "pfmem", "pfdsk", "rcpu", "cload", "mload", "dload", "nload",
)  # fmt: skip


def nodes_table(state: State, names: Sequence[str], fields: Sequence[str] = USUAL) -> str:
    """The nodes of ``state``, which are called ``names``, a line each under a line of titles."""
    columns = [FIELDS[field] for field in fields]
    rows = [[column.title for column in columns]]
    for node, name in enumerate(names):
        cells = [column.show(state, node) for column in columns]
        rows.append([name if f == "fqdn" else c for f, c in zip(fields, cells, strict=True)])
    return table(rows, [column.numeric for column in columns])


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
