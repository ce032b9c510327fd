"""Metrics of a node: values, names, and that a part that fails stops no other."""

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.exposing import Sample
from pyganeti.daemons.mond.metrics import (
    CPUS,
    METRICS,
    SUCCESS,
    NodeMetrics,
    disk_samples,
    drbd_samples,
)
from pyganeti.model.errors import BlockDeviceError
from pyganeti.node.monitor.diskstats import parse_diskstats
from pyganeti.node.storage.drbd.kernel import parse_devices
from tests.unit.node.monitor.test_golden import GOLDEN, golden


async def read(parts: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Values by name and labels, as the strict parser reads them."""
    text = (await NodeMetrics(parts).text()).decode()
    assert text.endswith("# EOF\n")
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


async def test_disks_only_and_in_bytes_and_seconds() -> None:
    rows = parse_diskstats((GOLDEN / "diskstats.txt").read_text("utf-8"))

    async def disks() -> list[Sample]:
        return disk_samples(rows, lambda name: name == "vda")

    assert await read({"disks": disks}) == {
        ("ganeti_node_disk_read_bytes_total", "vda"): 58689962 * 512,
        ("ganeti_node_disk_written_bytes_total", "vda"): 343517272 * 512,
        ("ganeti_node_disk_busy_seconds_total", "vda"): 596.008,
        ("ganeti_node_part_success", "disks"): 1,
    }


async def test_drbd_devices_are_counted() -> None:
    devices = parse_devices(golden("drbd.json")["several"]["text"], lambda minor: 1 << 30)

    async def drbd() -> list[Sample]:
        return drbd_samples(devices)

    found = await read({"drbd": drbd})
    states = {key[1]: value for key, value in found.items() if "drbd_devices" in key[0]}
    # One is connected, one syncs, one waits for its peer, and one is not configured.
    assert states["connected"] == 2
    assert states["connecting"] == 1
    assert sum(states.values()) == len(devices)
    assert found["ganeti_node_drbd_syncing_devices",] == 1
    assert found["ganeti_node_drbd_out_of_sync_bytes",] == (474756 + 16) * 1024


async def test_a_part_that_fails_says_so_and_stops_no_other() -> None:
    async def broken() -> list[Sample]:
        raise BlockDeviceError("drbdsetup is missing")

    async def whole() -> list[Sample]:
        return [Sample(CPUS, 4)]

    found = await read({"drbd": broken, "cpu": whole})
    assert found == {
        ("ganeti_node_cpus",): 4,
        (SUCCESS.name, "cpu"): 1,
        (SUCCESS.name, "drbd"): 0,
    }


def test_names_are_declared_once_and_say_their_unit() -> None:
    names = [one.name for one in METRICS]
    assert len(names) == len(set(names))
    assert all(name.startswith("ganeti_node_") for name in names)
