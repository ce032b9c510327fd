"""Fields of locks, as ``gnt-debug locks`` shows them."""

from collections.abc import Sequence
from typing import Final

from pyganeti.master.locks import LockState, Mode
from pyganeti.model.errors import ECode, OpPrereqError

from .fields import Field, FieldKind, Need, or_unavail, table
from .sources import Sources

_OTHER: Final = FieldKind.OTHER

# Whoever holds a name holds its level in an intent mode, which outside is a way of sharing it.
_SHOWN: Final = {
    Mode.INTENT_SHARED: "shared",
    Mode.INTENT_EXCLUSIVE: "shared",
    Mode.SHARED: "shared",
    Mode.EXCLUSIVE: "exclusive",
}


def lock_name(state: LockState) -> str:
    """``instance/web1``; the cluster's own lock is ``cluster/BGL``."""
    return f"{state.level.label}/{state.name}"


def _mode(state: LockState, _context: None) -> object:
    return or_unavail(None if state.mode is None else _SHOWN[state.mode])


def _pending(state: LockState, _context: None) -> list[list[object]]:
    return [[_SHOWN[mode], list(owners)] for mode, owners in state.pending]


_FIELDS: Final[Sequence[Field[LockState, None]]] = [
    Field("mode", "Mode", _OTHER, "How it is held", _mode),
    Field("name", "Name", _OTHER, "Level and name", lambda state, _: lock_name(state)),
    Field(
        "owner",
        "Owner",
        _OTHER,
        "Jobs that hold it",
        lambda state, _: or_unavail(list(state.owners) or None),
    ),
    Field("pending", "Pending", _OTHER, "Who waits for it, in order", _pending),
]


class LockResource:
    """Queries of locks."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[LockState]:
        """See :class:`~.engine.Resource`."""
        states = {lock_name(state): state for state in sources.locks()}
        if names is None:
            return list(states.values())
        missing = [str(name) for name in names if name not in states]
        if missing:
            raise OpPrereqError(f"Lock '{missing[0]}' not known", ECode.NOENT)
        return [states[str(name)] for name in names]

    async def context(
        self, sources: Sources, items: list[LockState], needs: frozenset[Need]
    ) -> None:
        """See :class:`~.engine.Resource`."""


LOCKS: Final = LockResource()
