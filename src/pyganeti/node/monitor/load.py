"""The collectors ``cpu-avg-load`` and ``xen-cpu-avg-load``: how busy CPUs were of late. Pure.

    samples of a counter, taken every so often -> Window -> what was used a second

A load of 1 is a CPU that was never idle. Source: proc(5), ``stat``; xentop(1); ganeti-mond(8).
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from pyganeti.kit.process import Command

from .report import CollectorError, Data

STAT: Final = "/proc/stat"
# Of samples: so many at most, and none older.
MOST: Final = 150
WINDOW_S: Final = 600.0
_IDLE: Final = 3
_TOTAL: Final = "cpu"
_TIMEOUT_S: Final = 30.0


class Window:
    """Samples of counters that only grow, of the last ten minutes.

    Memory is bounded by :data:`MOST` samples.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Mapping[str, float]]] = deque(maxlen=MOST)

    def add(self, now_s: float, counters: Mapping[str, float]) -> None:
        """Remember a sample, and forget those that are too old."""
        self._samples.append((now_s, counters))
        while len(self._samples) > 1 and self._samples[0][0] < now_s - WINDOW_S:
            self._samples.popleft()

    def clear(self) -> None:
        """Forget all."""
        self._samples.clear()

    def rates(self) -> dict[str, float] | None:
        """By counter, how much it grew a second; ``None`` before there are two samples.

        A counter that is new, or began anew, is left out until it has two samples in a row.
        """
        if len(self._samples) < 2:
            return None
        newest_s, newest = self._samples[-1]
        found = {}
        for key, value in newest.items():
            first = next(
                ((at, one[key]) for at, one in self._samples if one.get(key, value + 1) <= value),
                (newest_s, value),
            )
            if first[0] < newest_s:
                found[key] = (value - first[1]) / (newest_s - first[0])
        return found


def parse_stat(text: str, ticks: int) -> dict[str, float]:
    """Seconds that each CPU, and all of them (``cpu``), were not idle.

    Args:
        text: of ``/proc/stat``.
        ticks: how many make a second.

    Raises:
        CollectorError: it is not what the kernel writes.
    """
    found = {}
    for line in text.splitlines():
        name, *words = line.split() or [""]
        if not name.startswith(_TOTAL):
            continue
        try:
            numbers = [int(word) for word in words]
            # What guests used is counted in the first two as well.
            found[name] = (sum(numbers[:8]) - numbers[_IDLE]) / ticks
        except (ValueError, IndexError) as err:
            raise CollectorError(f"{STAT}: unexpected line {line[:200]!r}") from err
    if _TOTAL not in found:
        raise CollectorError(f"{STAT}: no line of all CPUs in {text[:200]!r}")
    return found


def cpu_data(rates: Mapping[str, float]) -> dict[str, Data]:
    """Data of ``cpu-avg-load``, from rates of :func:`parse_stat`."""
    names = sorted((name for name in rates if name != _TOTAL), key=lambda name: int(name[3:]))
    return {
        "cpu_number": len(names),
        "cpus": [rates[name] for name in names],
        "cpu_total": rates.get(_TOTAL, 0.0),
    }


def xentop_command() -> Command:
    """Ask once how much CPU each domain has used; ``-f`` is for names in full."""
    return Command(("xentop", "-f", "-b", "-i", "1"), timeout_s=_TIMEOUT_S)


def parse_xentop(text: str) -> dict[str, float]:
    """CPU seconds by domain, from the answer to :func:`xentop_command`.

    Raises:
        CollectorError: it is not what xentop prints.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or lines[0][:3] != ["NAME", "STATE", "CPU(sec)"]:
        raise CollectorError(f"unexpected answer from xentop: {text[:200]!r}")
    try:
        return {words[0]: float(words[2]) for words in lines[1:]}
    except (ValueError, IndexError) as err:
        raise CollectorError(f"unexpected answer from xentop: {text[:200]!r}") from err
