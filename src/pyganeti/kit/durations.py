"""How long things took, counted by size: what monitoring programs call a histogram.

An entry costs a search among a dozen numbers; memory does not grow.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Durations:
    """Times of one kind.

    Args:
        bounds: upper ends of the ranges in seconds, ascending; what is longer is counted last.

    Attributes:
        counts: how many lie in each range, one more than ``bounds``.
        sum_s: of all, in seconds.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one; a negative time, as when a clock was set back, counts as none."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum_s += seconds
