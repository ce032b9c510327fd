"""The metrics of a cluster, and their weighted sum: the score that balancing lowers.

    State -> values -> score

Order and operations are Ganeti's, to the last bit: where two moves are equal but for rounding,
rounding decides, and it has to decide the same. Source: hbal(1), CLUSTER SCORING; the metric facts.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from .state import NOWHERE, Floats, Ints, Q, State


class Kind(Enum):
    """How the values of the nodes become one."""

    STDDEV = "stddev"
    SUM = "sum"
    DOMAINS = "domains"


@dataclass(frozen=True, slots=True)
class Metric:
    """A term of the score; ``online`` says that other nodes do not count."""

    name: str
    weight: float
    kind: Kind
    online: bool = True
    quantity: Q | None = None


def _stddev(name: str, weight: float, quantity: Q | None = None) -> Metric:
    return Metric(name, weight, Kind.STDDEV, quantity=quantity)


METRICS: Final = (
    _stddev("free_mem_cv", 0.5, Q.MEM),
    _stddev("free_disk_cv", 0.5, Q.DISK),
    Metric("n1_cnt", 1.0, Kind.SUM),
    _stddev("reserved_mem_cv", 1.0),
    Metric("offline_all_cnt", 4.0, Kind.SUM, online=False),
    Metric("offline_pri_cnt", 16.0, Kind.SUM, online=False),
    _stddev("vcpu_ratio_cv", 0.5, Q.CPU),
    _stddev("cpu_load_cv", 1.0, Q.CPU_LOAD),
    _stddev("mem_load_cv", 1.0, Q.MEM_LOAD),
    _stddev("disk_load_cv", 1.0, Q.DISK_LOAD),
    _stddev("net_load_cv", 1.0, Q.NET_LOAD),
    Metric("pri_tags_score", 2.0, Kind.SUM),
    _stddev("spindles_cv", 0.5, Q.SPINDLES),
    _stddev("free_mem_cv_forth", 0.5, Q.F_MEM),
    _stddev("free_disk_cv_forth", 0.5, Q.F_DISK),
    _stddev("vcpu_ratio_cv_forth", 0.5, Q.F_CPU),
    _stddev("spindles_cv_forth", 0.5, Q.F_SPINDLES),
    Metric("location_score", 1.0, Kind.SUM),
    Metric("location_exclusion_score", 1.0, Kind.DOMAINS),
    Metric("reserved_mem_rtotal", 0.25, Kind.SUM),
)


def in_order(values: Floats) -> Floats:
    """The sums of the rows of ``values``, added from left to right as Ganeti does.

    NumPy's own sum adds in pairs, which rounds otherwise.
    """
    if values.shape[-1] == 0:
        return np.zeros(values.shape[:-1])
    total: Floats = np.cumsum(values, axis=-1)[..., -1]
    return total


def spread(values: Floats) -> Floats:
    """The standard deviations of the rows of ``values``.

    From the differences to the mean: a sum of squares would leave 2e-8 where all are equal.
    """
    count = values.shape[-1]
    if count == 0:
        return np.zeros(values.shape[:-1])
    away = values - (in_order(values) / count)[..., np.newaxis]
    deviation: Floats = np.sqrt(in_order(away * away) / count)
    return deviation


def _placed(state: State, where: Ints) -> Ints:
    """Those of the instances' nodes ``where`` that are there, without forthcoming instances."""
    there: Ints = where[state.real & (where != NOWHERE)]
    return there


def short_count(state: State) -> int:
    """Instances on nodes that fail N+1; one counts for each of its nodes that does."""
    failing = state.failing & state.online
    first, second = _placed(state, state.primary), _placed(state, state.secondary)
    return int(failing[first].sum()) + int(failing[second].sum())


def failing_counts(state: State) -> tuple[int, int]:
    """Nodes that fail N+1, and instances with such a node."""
    failing = np.append(state.failing & state.online, False)  # NOWHERE is the last one
    bad = (failing[state.primary] | failing[state.secondary]) & state.real
    return int(failing.sum()), int(bad.sum())


def conflicting_count(state: State) -> int:
    """Nodes with several primary instances that have an exclusion tag in common."""
    return int((state.tagged > 1).any(axis=0).sum())


def offline_counts(state: State) -> tuple[int, int]:
    """Instances with any node that is offline (a node each), and with an offline primary."""
    primaries = int(state.offline[_placed(state, state.primary)].sum())
    return primaries + int(state.offline[_placed(state, state.secondary)].sum()), primaries


def location_score(state: State) -> int:
    """Failure domains shared by both nodes of an instance, and desired locations missed."""
    counts = state.real & (state.primary != NOWHERE) & ~state.offline[state.primary]
    who = np.flatnonzero(counts)
    first, second = state.primary[who], state.secondary[who]
    both = second != NOWHERE
    shared = int(state.common_domains[first[both], second[both]].sum())
    return shared + int(state.unwanted[who, first].sum())


def excess(counts: "np.typing.NDArray[np.int64]") -> int:
    """By how much counts are above 1, summed up."""
    return int(np.maximum(counts - 1, 0).sum())


def shares(state: State) -> Floats:
    """The amounts by the totals, quantities x nodes; a disk that is not there is free."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts: Floats = state.amount / state.total
    for disk in (Q.DISK, Q.F_DISK):
        parts[disk, state.total[disk] == 0] = 1.0
    return parts


def values(state: State) -> list[float]:
    """The value of each of :data:`METRICS`."""
    online = state.online
    with np.errstate(divide="ignore", invalid="ignore"):
        reserved = state.reserved[online] / state.total[Q.MEM, online]
        deviations = spread(shares(state)[:, online])
    everywhere, primaries = offline_counts(state)
    special = {
        "n1_cnt": float(short_count(state)),
        "reserved_mem_cv": float(spread(reserved)),
        "offline_all_cnt": float(everywhere),
        "offline_pri_cnt": float(primaries),
        "pri_tags_score": float(excess(state.tagged[:, online])),
        "location_score": float(location_score(state)),
        "location_exclusion_score": float(
            excess(state.domains[:, online] @ state.tagged_real[:, online].T)
        ),
        "reserved_mem_rtotal": float(in_order(reserved)),
    }
    return [
        special[metric.name] if metric.quantity is None else float(deviations[metric.quantity])
        for metric in METRICS
    ]


def score(state: State) -> float:
    """The weighted sum of :func:`values`."""
    total = 0.0
    for metric, value in zip(METRICS, values(state), strict=True):
        total += metric.weight * value
    return total
