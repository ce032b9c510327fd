"""Makes it durable that jobs run, also of those that have done nothing yet for which it must be.

    opcode has its locks -> add -> 0.1 s later: store -> shown as running

A job that ends within that time costs nothing. Called by the processor; asked by whoever tells of
jobs. Source: ``docs/design/0003-jobs-locks-steps.md`` (Job states).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.queue.job import Job
from pyganeti.model.errors import GenericError
from pyganeti.store.interface import Batch, Put, Store, Table

_log = logging.getLogger(__name__)

# Several times what a job takes that does nothing.
DELAY_S: Final = 0.1
# After the store refused.
_RETRY_S: Final = 5.0


class Beginnings:
    """Jobs that run, and the store may not have it so.

    Args:
        store: where that is made durable.
        clock: for the delay.
        written: called with each job of which it is durable now that it runs.
    """

    def __init__(self, store: Store, clock: Clock, written: Callable[[Job], None]) -> None:
        self._store = store
        self._clock = clock
        self._written = written
        # With the time at which to write it; the earliest first.
        self._due: dict[int, tuple[Job, float]] = {}
        self._wakeup = asyncio.Event()

    def add(self, job: Job) -> None:
        """An opcode of ``job`` begins, or waits again."""
        self._due.pop(job.id, None)
        self._due[job.id] = job, self._clock.monotonic() + DELAY_S
        self._wakeup.set()

    def discard(self, job: Job) -> None:
        """The store has ``job`` as it is."""
        self._due.pop(job.id, None)

    async def shown(self, job: Job) -> None:
        """Wait until others may be told what ``job`` does; at once, if it does not run yet."""
        while job in self:
            await job.changed()

    def __contains__(self, job: Job) -> bool:
        return job.id in self._due

    async def run(self) -> None:
        """Write those that have lasted, for ever."""
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            while self._due:
                _, first = next(iter(self._due.values()))
                await self._clock.sleep(max(0.0, first - self._clock.monotonic()))
                try:
                    await self._write(self._clock.monotonic())
                except GenericError as err:
                    _log.error("it cannot be written which jobs run, trying again: %s", err)
                    await self._clock.sleep(_RETRY_S)

    async def _write(self, now: float) -> None:
        lasted = {number: due for number, due in self._due.items() if due[1] <= now}
        for number, (job, _) in list(lasted.items()):
            if job.is_ending:
                # How it ends is on its way to the store, and nothing may come after that.
                self.add(job)
                del lasted[number]
        if not lasted:
            return
        puts = [Put(Table.JOB, str(number), job.to_json()) for number, (job, _) in lasted.items()]
        await self._store.commit(Batch(tuple(puts)))
        for number, due in lasted.items():
            if self._due.get(number) is due:
                del self._due[number]
                self._written(due[0])
