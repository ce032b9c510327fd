"""The metrics of a node: what ``/metrics`` of ganeti-mond says.

    the kernel's files, guests' records, DRBD -> samples -> OpenMetrics

The number of series does not grow with guests: they are counted. What cannot be read has no
samples, and its part's success is 0. Source: ``docs/metrics.md``.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pyganeti.daemons.exposing import Declared, Sample, Type, expose
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError
from pyganeti.node.hypervisor.fake.records import FileRecords
from pyganeti.node.hypervisor.host import parse_meminfo
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.process import find as find_process
from pyganeti.node.monitor import drbd as drbd_file
from pyganeti.node.monitor import gather
from pyganeti.node.monitor.report import CPU, Data
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.state import DeviceState

from .collecting import Collecting, NothingToReport

_SECTOR: Final = 512
_MIB: Final = 1024 * 1024
_MEMINFO: Final = "/proc/meminfo"
_GAUGE: Final = Type.GAUGE
_COUNTER: Final = Type.COUNTER

CPUS: Final = Declared("ganeti_node_cpus", _GAUGE, "CPUs of the node.")
LOAD: Final = Declared(
    "ganeti_node_cpu_load", _GAUGE, "CPUs that were busy, on average of ten minutes."
)
MEMORY: Final = Declared("ganeti_node_memory_size_bytes", _GAUGE, "Memory of the node.")
FREE: Final = Declared(
    "ganeti_node_memory_free_bytes", _GAUGE, "Memory that is free, or merely cached."
)
GUESTS: Final = Declared(
    "ganeti_node_guests", _GAUGE, "Guests that run, by hypervisor.", ("hypervisor",)
)
READ: Final = Declared(
    "ganeti_node_disk_read_bytes_total", _COUNTER, "Read from a disk of the node.", ("device",)
)
WRITTEN: Final = Declared(
    "ganeti_node_disk_written_bytes_total", _COUNTER, "Written to it.", ("device",)
)
BUSY: Final = Declared(
    "ganeti_node_disk_busy_seconds_total", _COUNTER, "While it had something to do.", ("device",)
)
DEVICES: Final = Declared(
    "ganeti_node_drbd_devices", _GAUGE, "DRBD devices, by the state of the connection.", ("state",)
)
DEGRADED: Final = Declared(
    "ganeti_node_drbd_degraded_devices",
    _GAUGE,
    "DRBD devices of which the loss of one node would lose something.",
)
SYNCING: Final = Declared(
    "ganeti_node_drbd_syncing_devices", _GAUGE, "DRBD devices whose disks are being made the same."
)
OUT_OF_SYNC: Final = Declared(
    "ganeti_node_drbd_out_of_sync_bytes", _GAUGE, "What differs from the peers, of all devices."
)
SUCCESS: Final = Declared(
    "ganeti_node_part_success", _GAUGE, "1 if a part of these metrics could be read.", ("part",)
)
METRICS: Final = (
    CPUS, LOAD, MEMORY, FREE, GUESTS, READ, WRITTEN, BUSY, DEVICES, DEGRADED, SYNCING, OUT_OF_SYNC,
    SUCCESS,
)  # fmt: skip
# All states there are, so that a rule need not know that one is missing.
_STATES: Final = ("connected", "connecting", "standalone", "other")
_STATE_OF: Final = {
    "Connected": "connected",
    "Connecting": "connecting",
    "WFConnection": "connecting",
    "StandAlone": "standalone",
}
_LOG: Final = logging.getLogger(__name__)
Part = Callable[[], Awaitable[list[Sample]]]


class NodeMetrics:
    """See the module.

    Args:
        parts: by name, each makes samples of :data:`METRICS`.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    async def text(self) -> bytes:
        """The answer; a part that fails is counted and named in the log."""
        samples: list[Sample] = []
        for name, part in self._parts.items():
            try:
                samples += await part()
            except (GenericError, ProcessError, OSError) as err:
                _LOG.warning("metrics of %s: %s", name, err)
                samples.append(Sample(SUCCESS, 0, (name,)))
            else:
                samples.append(Sample(SUCCESS, 1, (name,)))
        return expose(METRICS, samples)


def build_parts(paths: Paths, collecting: Collecting, runner: Runner) -> dict[str, Part]:
    """All parts of a node."""

    async def cpu() -> list[Sample]:
        return await _cpu(collecting)

    async def guests() -> list[Sample]:
        return await in_thread(_guests, paths)

    async def drbd() -> list[Sample]:
        # Asking its programs would load the module where nobody uses it.
        if not await gather.read_text(drbd_file.PATH):
            return []
        return drbd_samples(await Drbd(runner).states())

    return {"cpu": cpu, "disks": _disks, "drbd": drbd, "guests": guests, "memory": _memory}


async def _cpu(collecting: Collecting) -> list[Sample]:
    found = [Sample(CPUS, os.cpu_count() or 1)]
    if collecting.is_active(CPU):
        try:
            data = await collecting.data(CPU)
        except NothingToReport:
            return found
        found.append(Sample(LOAD, data["cpu_total"]))
    return found


async def _memory() -> list[Sample]:
    found = parse_meminfo(await gather.read_text(_MEMINFO))
    return [Sample(MEMORY, found.total * _MIB), Sample(FREE, found.free * _MIB)]


def _guests(paths: Paths) -> list[Sample]:
    layout = KvmLayout(paths.kvm_dir)
    running = [name for name in layout.started() if find_process(layout.guest(name))]
    records = FileRecords(paths.fake_dir)
    faked = [one for one in map(records.get, records.names()) if one and not one.ended]
    return [Sample(GUESTS, len(faked), ("fake",)), Sample(GUESTS, len(running), ("kvm",))]


async def _disks() -> list[Sample]:
    rows = await gather.disk_statistics()
    return disk_samples(rows, lambda name: os.path.exists(f"/sys/block/{name}/device"))


def disk_samples(rows: list[dict[str, Data]], is_disk: Callable[[str], bool]) -> list[Sample]:
    """Figures of the disks among block devices, from the data of ``diskstats``."""
    found = []
    for row in rows:
        if is_disk(row["name"]):
            labels = (row["name"],)
            found.append(Sample(READ, row["secRead"] * _SECTOR, labels))
            found.append(Sample(WRITTEN, row["secWritten"] * _SECTOR, labels))
            found.append(Sample(BUSY, row["timeIO"] / 1000, labels))
    return found


def drbd_samples(devices: Mapping[int, DeviceState]) -> list[Sample]:
    """Figures of all DRBD devices together."""
    states = [_STATE_OF.get(one.connection, "other") for one in devices.values()]
    counted = [Sample(DEVICES, states.count(state), (state,)) for state in _STATES]
    return [
        *counted,
        Sample(DEGRADED, sum(one.is_degraded for one in devices.values())),
        Sample(SYNCING, sum(one.is_syncing for one in devices.values())),
        Sample(OUT_OF_SYNC, sum(one.out_of_sync for one in devices.values())),
    ]
