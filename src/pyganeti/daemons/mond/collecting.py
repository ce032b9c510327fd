"""Collectors as the cluster wants them: which are on, and how often the stateful ones take samples.

    confd, every 15 s -> switches and intervals
    counters, every interval -> windows
    request -> Collecting.one / .all -> reports

Collectors that keep nothing run when they are asked, once at a time: whoever asks meanwhile gets
that run's result. One that fails says so in its own report, and stops no other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.model.cluster import DEFAULT_COLLECTORS
from pyganeti.node.monitor.known import Known
from pyganeti.node.monitor.load import Window, cpu_data
from pyganeti.node.monitor.report import (
    COLLECTORS,
    CPU,
    DEFAULT_CATEGORY,
    XEN_CPU,
    Code,
    Collector,
    CollectorError,
    Data,
    report,
    status,
)

# Between two looks at the cluster's settings; Ganeti's MOND_CONFIG_TIME_INTERVAL.
SETTINGS_S: Final = 15.0
_SHORTEST_S: Final = 0.1
_LOG: Final = logging.getLogger(__name__)
Gather = Callable[[], Awaitable[Data]]
Sample = Callable[[], Awaitable[dict[str, float]]]
Settings = Mapping[str, tuple[bool, float]]
DEFAULTS: Final[Settings] = {
    name: (one.active, one.interval / 1_000_000) for name, one in DEFAULT_COLLECTORS.items()
}
"""Until confd has said something else."""


class NothingToReport(CollectorError):
    """There is no such collector, it is switched off, or it has no two samples yet."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where data comes from, by collector.

    Attributes:
        stateless: gathers data.
        stateful: takes a sample.
    """

    stateless: Mapping[str, Gather]
    stateful: Mapping[str, Sample]


class Collecting:
    """See the module.

    Args:
        known: the cluster.
        sources: of all collectors.
        clock: of the daemon.
    """

    def __init__(self, known: Known, sources: Sources, clock: Clock) -> None:
        self._known = known
        self._sources = sources
        self._clock = clock
        self._settings: Settings = DEFAULTS
        self._windows = {name: Window() for name in sources.stateful}
        self._faults: dict[str, str] = {}
        self._running: dict[str, asyncio.Future[Data]] = {}

    # --- what goes on by itself

    async def run(self) -> None:
        """Follow the settings and take samples, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            for name, sample in self._sources.stateful.items():
                group.create_task(self._take(name, sample))

    async def _follow(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(SETTINGS_S)

    async def look(self) -> None:
        """Ask for the settings; the last known ones stay where nobody answers."""
        try:
            self._settings = {**DEFAULTS, **await self._known.collectors()}
        except CollectorError as err:
            _LOG.warning("settings stay as they are: %s", err)

    async def _take(self, name: str, sample: Sample) -> None:
        while True:
            active, interval_s = self._settings[name]
            if active:
                await self._take_one(name, sample)
            else:
                self._windows[name].clear()
            await self._clock.sleep(max(interval_s, _SHORTEST_S))

    async def _take_one(self, name: str, sample: Sample) -> None:
        try:
            counters = await sample()
        except CollectorError as err:
            if self._faults.get(name) != str(err):
                _LOG.warning("%s: %s", name, err)
            self._faults[name] = str(err)
        else:
            self._faults.pop(name, None)
            self._windows[name].add(self._clock.monotonic(), counters)

    # --- what is asked

    def is_active(self, collector: Collector) -> bool:
        """Whether it is switched on."""
        return self._settings[collector.name][0]

    def active(self) -> list[Collector]:
        """Those that are switched on."""
        return [one for one in COLLECTORS if self.is_active(one)]

    async def one(self, category: str, name: str) -> dict[str, Data]:
        """The report of a collector.

        Raises:
            NothingToReport: see there.
            CollectorError: it failed.
        """
        for collector in self.active():
            if (collector.category or DEFAULT_CATEGORY, collector.name) == (category, name):
                return self._report(collector, await self.data(collector))
        raise NothingToReport("no such collector, or it is switched off")

    async def all(self) -> list[dict[str, Data]]:
        """The reports of all; of one that fails why, in place of its data."""
        found = await asyncio.gather(*(self._any(one) for one in self.active()))
        return [one for one in found if one is not None]

    async def _any(self, collector: Collector) -> dict[str, Data] | None:
        try:
            return self._report(collector, await self.data(collector))
        except NothingToReport:
            return None
        except CollectorError as err:
            _LOG.warning("%s: %s", collector.name, err)
            return self._report(collector, {"status": status(Code.UNKNOWN, str(err))})

    def _report(self, collector: Collector, data: Data) -> dict[str, Data]:
        return report(collector, data, int(self._clock.now() * 1_000_000_000))

    async def data(self, collector: Collector) -> Data:
        """A collector's data.

        Raises:
            NothingToReport: a stateful one has not two samples yet.
            CollectorError: it failed.
        """
        if collector in (CPU, XEN_CPU):
            return self._load(collector)
        return await self._shared(collector.name)

    def _load(self, collector: Collector) -> Data:
        if collector.name in self._faults:
            raise CollectorError(self._faults[collector.name])
        rates = self._windows[collector.name].rates()
        if rates is None:
            raise NothingToReport("there are no two samples yet")
        return cpu_data(rates) if collector is CPU else rates

    async def _shared(self, name: str) -> Data:
        """Data of a run that whoever asks meanwhile gets, too."""
        while (running := self._running.get(name)) is not None:
            await asyncio.wait([running])
            # Given up by who began it: somebody else begins it anew.
            if not running.cancelled():
                return running.result()
        future: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        self._running[name] = future
        try:
            data = await self._sources.stateless[name]()
        except CollectorError as err:
            future.set_exception(err)
            # Nobody else may have asked.
            future.exception()
            raise
        else:
            future.set_result(data)
            return data
        finally:
            del self._running[name]
            future.cancel()
