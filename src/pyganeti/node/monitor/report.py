"""A collector's report, as monitoring programs get it: JSON of Ganeti's form. Pure.

    what was read -> data -> report() -> ganeti-mond, mon-collector

Source: ganeti-mond(8); protocols.json, mond; answers of Ganeti's daemon in ``tests/golden/mond``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from pyganeti.model.errors import GenericError

BUILTIN: Final = "B"
FORMAT: Final = 1
DEFAULT_CATEGORY: Final = "default"
# Any, here and in all collectors: JSON.
Data = Any


class Kind(IntEnum):
    """What a collector reports: figures, or whether something is well."""

    PERFORMANCE = 0
    STATUS = 1


class Code(IntEnum):
    """How something is; the higher, the worse."""

    OK = 0
    TEMPORARY = 1
    UNKNOWN = 2
    BAD = 4


class CollectorError(GenericError):
    """A collector has nothing to report: what it reads is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector: name, category (``None`` for the default one), kind."""

    name: str
    category: str | None
    kind: Kind


CPU: Final = Collector("cpu-avg-load", None, Kind.PERFORMANCE)
XEN_CPU: Final = Collector("xen-cpu-avg-load", None, Kind.PERFORMANCE)
DISKSTATS: Final = Collector("diskstats", "storage", Kind.PERFORMANCE)
DRBD: Final = Collector("drbd", "storage", Kind.STATUS)
INST_STATUS: Final = Collector("inst-status-xen", "instance", Kind.STATUS)
LV: Final = Collector("lv", "storage", Kind.PERFORMANCE)
COLLECTORS: Final = (CPU, XEN_CPU, DISKSTATS, DRBD, INST_STATUS, LV)
"""In the order in which Ganeti lists them."""


def report(collector: Collector, data: Data, now_ns: int) -> dict[str, Data]:
    """The report with ``data``, gathered at ``now_ns`` (nanoseconds since the epoch)."""
    return {
        "name": collector.name,
        "version": BUILTIN,
        "format_version": FORMAT,
        "timestamp": now_ns,
        "category": collector.category,
        "kind": collector.kind.value,
        "data": data,
    }


def status(code: Code, message: str = "") -> dict[str, Data]:
    """How something is, in a report."""
    return {"code": code.value, "message": message}


def worst(found: Iterable[tuple[Code, str]]) -> dict[str, Data]:
    """How a whole is whose parts are so: the worst code, and what they say, the last one first."""
    code, message = Code.OK, ""
    for one, said in found:
        code = max(code, one)
        if said:
            message = f"\n{said}{message}"
    return status(code, message)
