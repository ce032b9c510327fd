"""Fields of locks, as ``gnt-debug locks`` shows them."""

from collections.abc import Sequence
from typing import Final

from pyganeti.kit.shown import cut
from pyganeti.master.locks import SHOWN, LockState, lock_name
from pyganeti.model.errors import ECode, OpPrereqError

from .fields import Field, FieldKind, Need, or_unavail, table
from .sources import Sources

_OTHER: Final = FieldKind.OTHER


def _name(state: LockState, _context: None) -> str:
    return lock_name((state.level, state.name))


def _mode(state: LockState, _context: None) -> object:
    return or_unavail(None if state.mode is None else SHOWN[state.mode])


def _pending(state: LockState, _context: None) -> list[list[object]]:
    return [[SHOWN[mode], list(owners)] for mode, owners in state.pending]


_FIELDS: Final[Sequence[Field[LockState, None]]] = [
    Field("mode", "Mode", _OTHER, "How it is held", _mode),
    Field("name", "Name", _OTHER, "Level and name", _name),
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
        states = {_name(state, None): state for state in sources.locks()}
        if names is None:
            return list(states.values())
        missing = [str(name) for name in names if name not in states]
        if missing:
            raise OpPrereqError(f"Lock '{cut(str(missing[0]))}' not known", ECode.NOENT)
        return [states[str(name)] for name in names]

    async def context(
        self, sources: Sources, items: list[LockState], needs: frozenset[Need]
    ) -> None:
        """See :class:`~.engine.Resource`."""


LOCKS: Final = LockResource()
