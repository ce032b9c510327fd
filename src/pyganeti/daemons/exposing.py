"""Metrics as monitoring programs read them: OpenMetrics text.

    declared metrics, samples -> expose() -> text

A daemon declares its metrics in one table; ``docs/metrics.md`` has them all, and a test compares.
Source: the OpenMetrics specification 1.0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Type(StrEnum):
    """What a metric's value does: go up and down, or only up."""

    GAUGE = "gauge"
    COUNTER = "counter"


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


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a metric, and values of its labels in their order."""

    metric: Declared
    value: float
    labels: tuple[str, ...] = ()


class _Once(Collector):
    """The samples of one answer."""

    def __init__(self, declared: Sequence[Declared], samples: Iterable[Sample]) -> None:
        self._declared = declared
        self._samples = tuple(samples)

    def collect(self) -> Iterable[Metric]:
        """In the order of their declaration; what has no sample is left out."""
        for metric in self._declared:
            found = [one for one in self._samples if one.metric is metric]
            if found:
                yield _family(metric, found)


def _family(metric: Declared, samples: Iterable[Sample]) -> Metric:
    kind = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for one in samples:
        family.add_metric(one.labels, one.value)
    return family


def expose(declared: Sequence[Declared], samples: Iterable[Sample]) -> bytes:
    """The text, of type :data:`CONTENT_TYPE`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(declared, samples))
    text: bytes = generate_latest(registry)
    return text
