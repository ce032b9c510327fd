"""What an opcode wants to hold: plain data, made by ``declare_locks``."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyganeti.model.errors import LockError

from .modes import ALL, BGL, Level, LockName, Mode, Modes, holds, strengthen, with_intents


def _names() -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Opportunistic:
    """As many of some names as are free when the request is granted.

    Attributes:
        levels: a name is locked at all of these, or not at all.
        names: among which to take.
        least: so many must be free, one or more; while they are not, the request waits.
        shared: lock them shared.
    """

    levels: frozenset[Level]
    names: frozenset[str]
    least: int = 1
    shared: bool = False

    @property
    def mode(self) -> Mode:
        """How each name is locked."""
        return Mode.SHARED if self.shared else Mode.EXCLUSIVE

    def locks(self, name: str) -> list[LockName]:
        """What is locked with ``name``."""
        return [(level, name) for level in sorted(self.levels)]

    def is_held(self, modes: Modes) -> bool:
        """Whether ``modes`` hold enough of it."""
        held = [all(holds(modes, lock, self.mode) for lock in self.locks(n)) for n in self.names]
        return sum(held) >= self.least


@dataclass(frozen=True, slots=True)
class LockRequest:
    """What an opcode wants to hold; exclusive unless it is named in a ``shared_*`` field.

    A field holds object names (UUIDs for nodes, groups and networks; names for instances), or
    ``{ALL}`` for the whole level. The cluster's own lock is taken shared unless ``cluster`` is set.
    Of what is in ``opportunistic`` only a part is taken; no name of it may stand elsewhere too.
    """

    instances: frozenset[str] = field(default_factory=_names)
    groups: frozenset[str] = field(default_factory=_names)
    nodes: frozenset[str] = field(default_factory=_names)
    node_res: frozenset[str] = field(default_factory=_names)
    networks: frozenset[str] = field(default_factory=_names)
    shared_instances: frozenset[str] = field(default_factory=_names)
    shared_groups: frozenset[str] = field(default_factory=_names)
    shared_nodes: frozenset[str] = field(default_factory=_names)
    shared_node_res: frozenset[str] = field(default_factory=_names)
    shared_networks: frozenset[str] = field(default_factory=_names)
    cluster: bool = False
    opportunistic: tuple[Opportunistic, ...] = ()

    def explicit(self) -> dict[LockName, Mode]:
        """Each lock that must be held, with its stronger mode."""
        wanted: dict[LockName, Mode] = {}
        top = Mode.EXCLUSIVE if self.cluster else Mode.SHARED
        wanted[Level.CLUSTER, BGL] = top
        by_level: Iterable[tuple[Level, frozenset[str], frozenset[str]]] = (
            (Level.INSTANCE, self.instances, self.shared_instances),
            (Level.NODEGROUP, self.groups, self.shared_groups),
            (Level.NODE, self.nodes, self.shared_nodes),
            (Level.NODE_RES, self.node_res, self.shared_node_res),
            (Level.NETWORK, self.networks, self.shared_networks),
        )
        for level, exclusive, shared in by_level:
            for names, mode in ((shared, Mode.SHARED), (exclusive, Mode.EXCLUSIVE)):
                for name in names:
                    strengthen(wanted, (level, name), mode)
        return wanted

    def modes(self) -> dict[LockName, Mode]:
        """Each lock that must be held with its strongest mode, level locks included."""
        return with_intents(self.explicit())

    def check(self) -> None:
        """Refuse an opportunistic part that means nothing.

        Raises:
            LockError: says why.
        """
        taken = set(self.explicit())
        for part in self.opportunistic:
            if not 1 <= part.least <= len(part.names):
                text = f"at least {part.least} of {len(part.names)} names cannot be locked"
                raise LockError(text)
            if not part.levels or ALL in part.names:
                raise LockError("opportunistic locks are asked for by level and name")
            wanted = {lock for name in part.names for lock in part.locks(name)}
            wanted |= {(level, ALL) for level in part.levels}
            twice = wanted & taken
            if twice:
                level, name = min(twice)
                raise LockError(f"lock {level.label}/{name} is asked for in two ways")
            taken |= {lock for lock in wanted if lock[1] != ALL}

    def is_held(self, modes: Modes) -> bool:
        """Whether ``modes`` are enough for it."""
        named = all(holds(modes, lock, mode) for lock, mode in self.modes().items())
        return named and all(part.is_held(modes) for part in self.opportunistic)
