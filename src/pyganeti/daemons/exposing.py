"""Metrics as monitoring programs read them: OpenMetrics text.

    declared metrics, samples -> expose() -> text

A daemon declares its metrics in one table; ``docs/metrics.md`` has them all, and a test compares.
Source: the OpenMetrics specification 1.0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Type(StrEnum):
    """What a metric's value does: go up and down, only up, or be counted by size."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric.

    Attributes:
        name: of its samples; that of a counter ends in ``_total``.
        help: what it is, with the unit.
        labels: names, each with few values.
    """

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its samples; a histogram has several for one declaration."""
        if self.type is Type.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a metric, and values of its labels in their order."""

    metric: Declared
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """What a histogram says: values counted by size.

    Attributes:
        bounds: upper ends of the ranges, ascending.
        counts: how many lie in each range; one more than ``bounds``, for those above.
        sum: of the values.
    """

    metric: Declared
    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float
    labels: tuple[str, ...] = ()


class _Once(Collector):
    """The samples of one answer."""

    def __init__(self, declared: Sequence[Declared], samples: Iterable[Sample | Spread]) -> None:
        self._declared = declared
        self._samples = tuple(samples)

    def collect(self) -> Iterable[Metric]:
        """In the order of their declaration; what has no sample is left out."""
        for metric in self._declared:
            found = [one for one in self._samples if one.metric is metric]
            if found:
                yield _family(metric, found)


def _family(metric: Declared, found: Sequence[Sample | Spread]) -> Metric:
    if metric.type is Type.HISTOGRAM:
        return _histogram(metric, [one for one in found if isinstance(one, Spread)])
    kind = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for one in found:
        if isinstance(one, Sample):
            family.add_metric(one.labels, one.value)
    return family


def _histogram(metric: Declared, spreads: Iterable[Spread]) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for one in spreads:
        ends = [*map(floatToGoString, one.bounds), "+Inf"]
        buckets = list(zip(ends, accumulate(one.counts), strict=True))
        family.add_metric(one.labels, buckets, one.sum)
    return family


def expose(declared: Sequence[Declared], samples: Iterable[Sample | Spread]) -> bytes:
    """The text, of type :data:`CONTENT_TYPE`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(declared, samples))
    text: bytes = generate_latest(registry)
    return text
