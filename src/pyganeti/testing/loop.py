"""An event loop on which time is virtual: when nothing is ready, the clock jumps to the next timer.

Simulated clusters run on it: a timeout of an hour takes no time, and the same seed gives the same
run. Blocking work that goes to threads elsewhere runs in the loop here, in order.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


# Tasks that try again for ever would keep a test that waits in vain alive for ever.
_LONGEST_S: Final = 1_000_000.0


class Deadlock(Exception):
    """Everybody waits and no timer will wake anybody up."""


class _InlineExecutor(ThreadPoolExecutor):
    """Runs work at once, in the caller's thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn`` now."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as err:  # handed to the waiter, as a real executor does
            future.set_exception(err)
        return future


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: instead of sleeping it lets the loop's time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Ready files; without any, time passes until the next timer.

        Raises:
            Deadlock: there is no timer either.
        """
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise Deadlock("all tasks wait for each other")
        self.now += timeout
        if self.now > _LONGEST_S:
            raise Deadlock(f"still waiting after {_LONGEST_S:g} virtual seconds")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)
        self.set_default_executor(_InlineExecutor(1))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Nothing is to be waited for: work has run where it was given.

        asyncio starts a thread here and waits for it, which looks like a deadlock while it is slow.
        """
