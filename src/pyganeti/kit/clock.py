"""The only place that reads clocks.

Daemons get a :class:`SystemClock`; the simulated cluster runs on a loop whose time is virtual
and passes a :class:`LoopClock`. Timestamps in jobs and config are wall clock, waits are monotonic.
asyncio is imported where it is used: commands import this module, and it would double their start.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Time as a dependency."""

    def now(self) -> float:
        """Wall clock, seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Wall clock, seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since boot."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        import asyncio

        await asyncio.sleep(seconds)


class LoopClock:
    """The running event loop's time, shifted to start at ``start``; virtual on a virtual loop."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = start

    def now(self) -> float:
        """Wall clock, seconds since the epoch."""
        import asyncio

        return self._start + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        """The loop's time."""
        import asyncio

        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        import asyncio

        await asyncio.sleep(seconds)


def cpu_seconds() -> float:
    """CPU time of this process, for debug output and benchmarks."""
    return time.process_time()


def timestamp(seconds: float) -> tuple[int, int]:
    """``seconds`` as Ganeti's ``(seconds, microseconds)``."""
    whole = int(seconds)
    return whole, int((seconds - whole) * 1_000_000)


def timestamp_text(seconds: float) -> str:
    """``seconds`` as local time in the names of files: ``2026-01-31_12_00_00``."""
    return time.strftime("%Y-%m-%d_%H_%M_%S", time.localtime(seconds))


def sleep_blocking(seconds: float) -> None:
    """Let ``seconds`` pass in a program without an event loop (commands, daemon-util)."""
    time.sleep(seconds)


def now() -> float:
    """Wall clock for programs that have no :class:`Clock` (commands, tools)."""
    return time.time()


def monotonic() -> float:
    """Monotonic clock for programs that have no :class:`Clock` (commands, tools)."""
    return time.monotonic()
