"""Faults at chosen points of an operation.

A point is a node call that changes something, or a commit of the configuration; points are counted
from the start of the operation. One :class:`Fault` is injected a run.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pyganeti.model.errors import CallTimeout, ConfigurationError, NodeUnreachable


class FaultKind(StrEnum):
    """What goes wrong."""

    NOT_SENT = "the call is never sent, or the commit refused"
    ANSWER_LOST = "it is done, and the answer lost"
    DIES_BEFORE = "the master dies before it"
    DIES_AFTER = "the master dies after it"


CALL_FAULTS: Final = tuple(FaultKind)
COMMIT_FAULTS: Final = (FaultKind.NOT_SENT, FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER)


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` at point number ``at``."""

    at: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Point:
    """A point that a run has passed: what it was, and whether it was a commit."""

    what: str
    is_commit: bool

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """What may go wrong here."""
        return COMMIT_FAULTS if self.is_commit else CALL_FAULTS


class FaultPoints:
    """Counts points and injects one fault.

    Attributes:
        points: those passed so far.
        died: set when the master has died.
        deadly: a procedure before which the master dies, whatever else is injected.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.died = asyncio.Event()
        self._buried = asyncio.Event()
        self._fault: Fault | None = None
        self.active = False
        self.deadly: str | None = None

    def bury(self) -> None:
        """The dead master is gone: what stood still in it ends, and the next one may begin."""
        self._buried.set()
        self._buried = asyncio.Event()
        self.died.clear()

    def arm(self, fault: Fault | None) -> None:
        """Start counting, with or without a fault."""
        self.points.clear()
        self.active = True
        self._fault = fault

    def disarm(self) -> None:
        """Stop counting."""
        self.active = False
        self._fault = None

    async def before(self, what: str, *, is_commit: bool) -> int:
        """At a point, before it is done; its number.

        Raises:
            NodeUnreachable, ConfigurationError: the fault is here.
        """
        if self.deadly is not None and what.startswith(f"{self.deadly} "):
            self.deadly = None
            await self._die()
        if not self.active:
            return -1
        number = len(self.points)
        self.points.append(Point(what, is_commit))
        if self._is_here(number, FaultKind.NOT_SENT):
            text = f"injected at {what}"
            raise ConfigurationError(text) if is_commit else NodeUnreachable(text)
        if self._is_here(number, FaultKind.DIES_BEFORE):
            await self._die()
        return number

    async def after(self, number: int, what: str) -> None:
        """At a point, after it was done.

        Raises:
            CallTimeout: the fault is here.
        """
        if self._is_here(number, FaultKind.ANSWER_LOST):
            raise CallTimeout(f"injected at {what}: whether it took effect is unknown")
        if self._is_here(number, FaultKind.DIES_AFTER):
            await self._die()

    def _is_here(self, number: int, kind: FaultKind) -> bool:
        return self._fault == Fault(number, kind)

    async def _die(self) -> None:
        """Nothing of this master moves from here on; whoever watches ``died`` ends its tasks."""
        self.active = False
        buried = self._buried
        self.died.set()
        await buried.wait()
        raise asyncio.CancelledError
