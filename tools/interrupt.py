"""Being told to end: SIGTERM and SIGHUP become ``KeyboardInterrupt``, so that ``finally`` runs.

Without it a killed test run or benchmark would leave its cluster's daemons, guests and bridges on
the machine.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough: from now on it is cleaned up.
    _set(_ignore)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    # A function, since programs that are started would inherit SIG_IGN.
    return


def _set(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        signal.signal(number, handler)


def interrupt_when_told_to_end() -> None:
    """From now on the first of these signals raises ``KeyboardInterrupt`` in the main thread."""
    _set(_interrupt)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put an interruption off until the end of the block, which cleans up."""
    told: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    if before is not _interrupt:
        yield
        return
    _set(lambda number, _frame: told.append(number))
    try:
        yield
    finally:
        _set(_interrupt)
        if told:
            _interrupt(told[0], None)
