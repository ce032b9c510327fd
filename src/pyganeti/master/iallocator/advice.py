"""Moves that an allocator advised, as they are submitted."""

import msgspec

from pyganeti.opcodes.instance import OpInstanceReplaceDisks

from .requests import Move, Moves
from .running import Advice


def advised_jobs(
    advice: Advice[Moves], *, priority: int, early_release: bool
) -> tuple[tuple[Move, ...], ...]:
    """The jobs, as urgent as their operation, freeing old disks as early as was asked for."""
    return tuple(
        tuple(_as_asked(move, priority, early_release=early_release) for move in job)
        for job in advice.found.jobs
    )


def _as_asked(move: Move, priority: int, *, early_release: bool) -> Move:
    found: Move = msgspec.structs.replace(move, priority=priority)
    if early_release and isinstance(found, OpInstanceReplaceDisks):
        found = msgspec.structs.replace(found, early_release=True)
    return found


def advice_lines(advice: Advice[Moves]) -> tuple[str, ...]:
    """What the job's log says of it."""
    moved = (f"Instance {name} goes to {', '.join(nodes)}" for name, nodes in advice.found.moved)
    return (*advice.warnings, *moved)
