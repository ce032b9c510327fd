"""Standard deviations after each of many moves, from sums.

A metric's value on a node is its amount, divided by the node's total. A move changes it on at most
three nodes, so the sum and the sum of squares after all moves of a kind are a few operations on one
matrix of instances and new nodes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .metrics import METRICS, shares
from .state import Floats, Ints, Q, State

if TYPE_CHECKING:
    from .candidates import Step


@dataclass(frozen=True, slots=True)
class Spread:
    """A value with the shares that instances have in it, and its weight in the score."""

    weight: float
    value: Floats  # n, about the mean; 0 where a node does not count
    scale: Floats  # n, by which a share is multiplied; 0 where a node does not count
    primary: Floats  # m
    secondary: Floats  # m
    count: int

    def after(self, step: "Step", first: str, second: str | None, old_second: str | None) -> Floats:
        """Weighted deviations once the roles are ``first`` and ``second``: m x 1 or m x n.

        Roles are given to ``p`` and ``s``, the nodes that the instances have, and ``t``, a new one.
        """
        shares = {"p": -self.primary, "s": -self.secondary, "t": 0 * self.primary}
        shares[first] = shares[first] + self.primary
        if second:
            shares[second] = shares[second] + self.secondary
        total, square = np.zeros((1, 1)), np.full((1, 1), (self.value * self.value).sum())
        for node, name in ((step.p, "p"), (step.s, "s"), (step.t, "t")):
            share = shares[name]
            if (name == "s" and old_second is None) or not share.any():
                continue
            added = share[:, None] * self.scale[node]
            total = total + added
            square = square + added * (added + 2 * self.value[node])
        variance = square / self.count - (total / self.count) ** 2
        return self.weight * np.sqrt(np.maximum(variance, 0))

    def if_put(self, first: Ints, second: Ints | None) -> Floats:
        """Weighted deviations with a single instance, on no node before, on these nodes."""
        total, square = np.zeros((1, 1)), np.full((1, 1), (self.value * self.value).sum())
        for node, share in ((first, self.primary), (second, self.secondary)):
            if node is not None and share.any():
                added = share * self.scale[node]
                total = total + added
                square = square + added * (added + 2 * self.value[node])
        variance = square / self.count - (total / self.count) ** 2
        return self.weight * np.sqrt(np.maximum(variance, 0))


def spreads(state: State, who: Ints) -> list[Spread]:
    """What of the score is a deviation of shares; equal ones are one with their weights added."""
    online = state.online
    count = int(online.sum())
    found: dict[bytes, Spread] = {}
    if not count:
        return []
    for metric in METRICS:
        if metric.quantity is None:
            continue
        one = _spread(state, metric.quantity, metric.weight, who)
        key = b"".join(a.tobytes() for a in (one.value, one.scale, one.primary, one.secondary))
        same = found.get(key)
        weight = metric.weight + (same.weight if same else 0)
        found[key] = Spread(weight, one.value, one.scale, one.primary, one.secondary, count)
    return [s for s in found.values() if s.value.any() or s.primary.any() or s.secondary.any()]


def _spread(state: State, row: Q, weight: float, who: Ints) -> Spread:
    online = state.online
    counts = online & (state.total[row] != 0)
    scale = np.zeros(len(online))
    scale[counts] = 1 / state.total[row, counts]
    value = np.where(online, shares(state)[row], 0.0)
    # About the mean the squares are small, and little is lost when they are subtracted.
    value[online] -= value[online].mean()
    first, second = state.as_primary[row, who], state.as_secondary[row, who]
    return Spread(weight, value, scale, first, second, int(online.sum()))
