"""Levels and modes of locks: what goes together, what is stronger."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final


class Level(IntEnum):
    """Lock levels in the order in which they are listed and shown."""

    CLUSTER = 0
    INSTANCE = 1
    NODEGROUP = 2
    NODE = 3
    NODE_RES = 4
    NETWORK = 5

    @property
    def label(self) -> str:
        """The level's name as users see it: ``node-res``."""
        return self.name.lower().replace("_", "-")


class Mode(StrEnum):
    """How a lock is held; intent modes are held on a whole level by those who hold a name in it."""

    INTENT_SHARED = "intent-shared"
    INTENT_EXCLUSIVE = "intent-exclusive"
    SHARED = "shared"
    EXCLUSIVE = "exclusive"


LockName = tuple[Level, str]
Modes = Mapping[LockName, Mode]

BGL: Final = "BGL"
ALL: Final = "[lockset]"

CONFLICTS: Final[dict[Mode, frozenset[Mode]]] = {
    Mode.INTENT_SHARED: frozenset({Mode.EXCLUSIVE}),
    Mode.INTENT_EXCLUSIVE: frozenset({Mode.SHARED, Mode.EXCLUSIVE}),
    Mode.SHARED: frozenset({Mode.INTENT_EXCLUSIVE, Mode.EXCLUSIVE}),
    Mode.EXCLUSIVE: frozenset(Mode),
}
STRENGTH: Final = {mode: rank for rank, mode in enumerate(Mode)}
# For people whoever holds a name shares its level.
SHOWN: Final[Mapping[Mode, str]] = {
    Mode.INTENT_SHARED: "shared",
    Mode.INTENT_EXCLUSIVE: "shared",
    Mode.SHARED: "shared",
    Mode.EXCLUSIVE: "exclusive",
}
# How a mode on a name shows on its whole level.
_INTENT: Final = {
    Mode.SHARED: Mode.INTENT_SHARED,
    Mode.EXCLUSIVE: Mode.INTENT_EXCLUSIVE,
}


def lock_name(lock: LockName) -> str:
    """``instance/web1``; the cluster's own lock is ``cluster/BGL``."""
    level, name = lock
    return f"{level.label}/{name}"


def strengthen(wanted: dict[LockName, Mode], name: LockName, mode: Mode) -> None:
    """Want ``name`` in ``mode`` as well."""
    now = wanted.get(name)
    if {now, mode} == {Mode.SHARED, Mode.INTENT_EXCLUSIVE}:
        # All shared and some of them exclusive: neither mode keeps out all that the other does.
        wanted[name] = Mode.EXCLUSIVE
    elif now is None or STRENGTH[mode] > STRENGTH[now]:
        wanted[name] = mode


def with_intents(explicit: Modes) -> dict[LockName, Mode]:
    """Modes asked for by name, and what follows from them for whole levels."""
    modes = dict(explicit)
    for (level, name), mode in explicit.items():
        if name not in (ALL, BGL):
            strengthen(modes, (level, ALL), _INTENT[mode])
    return modes


def suffices(held: Mode | None, wanted: Mode) -> bool:
    """Whether a lock held in one mode serves for another."""
    if held is None:
        return False
    if held is wanted or held is Mode.EXCLUSIVE:
        return True
    return wanted is Mode.INTENT_SHARED


def holds(modes: Modes, name: LockName, wanted: Mode) -> bool:
    """Whether ``modes`` serve for ``name`` in ``wanted``, by name or as a whole level."""
    level, word = name
    if suffices(modes.get(name), wanted):
        return True
    return word != ALL and suffices(modes.get((level, ALL)), wanted)
