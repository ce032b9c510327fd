"""What a balancing step may do with an instance.

Source: hbal(1), ALGORITHM.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .state import NOWHERE, State


class Kind(Enum):
    """A move by the way the nodes change: primary ``p``, secondary ``s``, new node ``t``."""

    FAILOVER = "f"  # s:p
    FAILOVER_TO_ANY = "fa:{t}"  # t
    REPLACE_SECONDARY = "r:{t}"  # p:t
    REPLACE_AND_FAILOVER = "r:{t} f"  # t:p
    REPLACE_PRIMARY = "f r:{t} f"  # t:s
    FAILOVER_AND_REPLACE = "f r:{t}"  # s:t


ORDER: Final = tuple(Kind)
"""The order in which Ganeti tries the moves with one new node; the first of equals is taken."""


@dataclass(frozen=True, slots=True)
class Move:
    """Instance ``instance`` moves; ``target`` is ``NOWHERE`` for a failover."""

    instance: int
    kind: Kind
    target: int = NOWHERE

    def after(self, primary: int, secondary: int) -> tuple[int, int]:
        """The pair of nodes that the instance has afterwards."""
        pairs = {
            Kind.FAILOVER: (secondary, primary),
            Kind.FAILOVER_TO_ANY: (self.target, NOWHERE),
            Kind.REPLACE_SECONDARY: (primary, self.target),
            Kind.REPLACE_AND_FAILOVER: (self.target, primary),
            Kind.REPLACE_PRIMARY: (self.target, secondary),
            Kind.FAILOVER_AND_REPLACE: (secondary, self.target),
        }
        return pairs[self.kind]

    def do(self, state: State) -> None:
        """Change ``state``; whether there is room is the caller's business."""
        pair = self.after(int(state.primary[self.instance]), int(state.secondary[self.instance]))
        state.lift(self.instance)
        state.put(self.instance, *pair)
