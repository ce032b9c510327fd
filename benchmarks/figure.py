"""What a figure is: a name, a target, and samples of which the median counts."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        unit: of target and samples.
        target: the figure to hold.
        samples: an odd number of them.
        at_least: whether more is better.
        note: a few words on how it came about.
    """

    name: str
    unit: str
    target: float
    samples: Sequence[float]
    at_least: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        """What counts."""
        return statistics.median(self.samples)

    @property
    def is_held(self) -> bool:
        """Whether the target is met."""
        return self.median >= self.target if self.at_least else self.median <= self.target


def line(figure: Figure) -> str:
    """A row of the table."""
    verdict = "ok" if figure.is_held else "MISSED"
    sign = ">=" if figure.at_least else "<="
    spread = f"{min(figure.samples):.4g}..{max(figure.samples):.4g}"
    return (
        f"{figure.name:<52} {figure.median:>8.4g} {sign} {figure.target:<6.4g} {figure.unit:<5}"
        f" {spread:<18} {verdict:<6} {figure.note}"
    ).rstrip()
