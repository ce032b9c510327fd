"""Placing one instance: the node, or the pair of nodes, that is best for the score.

    State, Instance -> with_instance -> State with it on no node -> best_place -> Place, or None

Scores of all places come from sums, as in :mod:`pyganeti.htools.candidates`; those near the best
are computed again from scratch. Used for what the cluster still holds, and by allocators.
Source: hail(1), hspace(1); found by comparing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from pyganeti.model.templates import INTERNALLY_MIRRORED

from .candidates import PLACES, WEIGHTS, Side, Step
from .metrics import score
from .model import Instance
from .redundancy import matches
from .state import NOWHERE, Bools, Floats, Ints, State, exclusion_of, unwanted_of

_NEAR: Final = 1e-6
"""How far a score from sums may be off, with a wide margin."""
_APPENDED: Final = (
    "as_primary", "as_secondary", "memory", "needs_memory", "kept_memory", "disk", "vcpus",
    "local_disk", "real",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Nodes by number, ``secondary`` may be ``NOWHERE``, and the score with the instance there."""

    primary: int
    secondary: int
    score: float


class Placing(Step):
    """All places of one instance that is on no node."""

    def takes_first(self) -> Bools:
        """Which nodes take the instance as its primary: 1 x n."""
        return self._first(self.force)

    def takes_second(self, first: Ints) -> Bools:
        """Which nodes, in columns, take it as secondary of ``first``, in rows."""
        return self._new_second(first, self.force)

    def score_if_put(self, first: Ints, second: Ints | None) -> Floats:
        """The score with the instance on ``first`` (n x 1) and ``second`` (1 x n)."""
        state = self.state
        total: Floats = sum((s.if_put(first, second) for s in self._spreads), np.zeros((1, 1)))
        total = total + self._memory(tuple(self._sides_if_put(first, second)))
        total = total + sum(WEIGHTS[name] * self._now[name] for name in PLACES)
        row, real = self.who[:, None], state.real[self.who][:, None]
        if state.tagged.size:
            marks = state.exclusion[:, self.who].T
            clashes = marks @ (state.tagged > 0)
            total = total + WEIGHTS["pri_tags_score"] * clashes[:, first[:, 0]].T
            there = (state.tagged_real @ (state.domains * state.online).T) > 0
            shared = (marks * real) @ there @ state.domains
            total = total + WEIGHTS["location_exclusion_score"] * shared[:, first[:, 0]].T
        places = state.unwanted[row, first]
        if second is not None:
            places = places + state.common_domains[first, second]
        return total + WEIGHTS["location_score"] * real * places

    def _sides_if_put(self, first: Ints, second: Ints | None) -> Iterator[Side]:
        state = self.state
        yield Side(first, state.free_mem[first] - self.need, state.reserved[first], 1)
        if second is not None:
            kept = np.maximum(state.reserved[second], self._peers(second, first))
            yield Side(second, state.free_mem[second], kept, 1)


def with_instance(state: State, it: Instance) -> State:
    """``state`` with ``it`` as its last instance, on no node yet; the old one stays as it is.

    What its disks take is as on ``it.primary``: spindles or space, by the node's kind of storage.
    """
    # A cluster of its own node tells what it takes there; what is free in it does not matter.
    (own,) = (node for node in state.nodes if node.name == it.primary)
    there_alone = replace(it, secondary=own.name)
    alone = State.of(replace(state.cluster, nodes=(own,), instances=(there_alone,)), None)
    fresh: dict[str, Any] = {  # vectors of several types
        name: np.concatenate([getattr(state, name), getattr(alone, name)], axis=-1)
        for name in _APPENDED
    }
    instances = (*state.instances, it)
    exclusion = exclusion_of(state.cluster, instances)
    placed = np.flatnonzero(state.primary != NOWHERE)
    tagged = np.zeros((len(exclusion), len(state.nodes)), np.int64)
    tagged_real = tagged.copy()
    np.add.at(tagged.T, state.primary[placed], exclusion[:, placed].T)
    np.add.at(tagged_real.T, state.primary[placed], (exclusion * fresh["real"])[:, placed].T)
    unwanted = unwanted_of(state.cluster, it, state.nodes)
    return replace(
        state.copy(),
        cluster=replace(state.cluster, instances=(*state.cluster.instances, it)),
        instances=instances,
        exclusion=exclusion,
        unwanted=np.concatenate([state.unwanted, unwanted]),
        primary=np.append(state.primary, NOWHERE),
        secondary=np.append(state.secondary, NOWHERE),
        tagged=tagged,
        tagged_real=tagged_real,
        **fresh,
    )


def best_place(state: State, i: int, may: Bools, *, force: bool = False) -> Place | None:
    """The place for instance ``i``, which is on no node, with the lowest score.

    Two nodes are of one group, and the group's policy allows the instance.

    Args:
        state: left as it is.
        i: its number.
        may: n, which nodes are to be thought of; those that are offline never are.
        force: pass over soft rules.
    """
    it = state.instances[i]
    allowed = may & state.online & _by_policy(state, it)
    step = Placing(state, np.array([i]), force=force)
    found = _pairs(step, allowed) if it.template in INTERNALLY_MIRRORED else _singles(step, allowed)
    near = (
        np.argwhere(found <= found.min(initial=np.inf) + _NEAR) if np.isfinite(found).any() else ()
    )
    best: Place | None = None
    for first, second in near:
        place = _scored(state, i, int(first), int(second) if found.shape[1] > 1 else NOWHERE)
        if best is None or place.score <= best.score:  # as in Ganeti, the last of equals
            best = place
    return best


def _scored(state: State, i: int, primary: int, secondary: int) -> Place:
    trial = state.copy()
    trial.put(i, primary, secondary)
    return Place(primary, secondary, score(trial))


def _by_policy(state: State, it: Instance) -> Bools:
    """Which nodes are of a group whose policy allows ``it``."""
    allows = {group.uuid: matches(it, group.ipolicy) for group in state.cluster.groups}
    return np.array([allows[node.group] for node in state.nodes], bool)


def _singles(step: Placing, allowed: Bools) -> Floats:
    """The scores of single nodes, n x 1; infinite where it does not fit."""
    nodes = np.arange(len(step.state.nodes))[:, None]
    fits = step.takes_first().T & allowed[:, None]
    scores: Floats = np.where(fits, step.score_if_put(nodes, None), np.inf)
    return scores


def _pairs(step: Placing, allowed: Bools) -> Floats:
    """The scores of pairs, primary x secondary."""
    state = step.state
    nodes = np.arange(len(state.nodes))
    groups = np.unique([node.group for node in state.nodes], return_inverse=True)[1]
    fits = (groups[:, None] == groups[None, :]) & (nodes[:, None] != nodes[None, :])
    fits &= allowed[:, None] & allowed[None, :]
    fits &= step.takes_first().T & step.takes_second(nodes[:, None])
    scores: Floats = np.where(fits, step.score_if_put(nodes[:, None], nodes[None, :]), np.inf)
    return scores
