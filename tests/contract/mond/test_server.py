"""The monitoring daemon's server on loopback; collectors fail, wait, or are switched off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.mond.collecting import Collecting, Sources
from pyganeti.daemons.mond.metrics import METRICS, NodeMetrics, build_parts
from pyganeti.daemons.mond.service import Service
from pyganeti.daemons.rapi.server import HttpServer
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.node.monitor.known import Known
from pyganeti.node.monitor.report import COLLECTORS, CollectorError
from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.datagram import ConfdError

HOST = "127.0.0.1"
OFF = {"inst-status-xen": False}


class Cluster(Known):
    """What confd would say of collectors."""

    def __init__(self) -> None:
        super().__init__(self._nobody, "node1")
        self.active = {"xen-cpu-avg-load": False, **OFF}
        self.interval_s = 0.01
        self.answers = True

    def _nobody(self) -> ConfdClient:
        raise ConfdError("nobody is there")

    async def collectors(self) -> dict[str, tuple[bool, float]]:
        if not self.answers:
            raise CollectorError("confd: no answer")
        names = ("cpu-avg-load", "diskstats", "drbd", "inst-status-xen", "lv", "xen-cpu-avg-load")
        return {name: (self.active.get(name, True), self.interval_s) for name in names}


class Parts:
    """Collectors that say what a test wants."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.sampled = asyncio.Event()
        self.seconds = 0.0
        self.fault: Exception | None = None

    async def disks(self) -> Any:
        self.runs += 1
        self.begun.set()
        await self.gate.wait()
        return [{"name": "vda"}]

    async def drbd(self) -> Any:
        raise CollectorError("/proc/drbd: unexpected line")

    async def volumes(self) -> Any:
        if self.fault:
            raise self.fault
        return []

    async def cpu(self) -> dict[str, float]:
        self.seconds += 1.0
        if self.seconds > 2:
            self.sampled.set()
        if self.fault:
            raise self.fault
        return {"cpu": self.seconds, "cpu0": self.seconds}

    def sources(self) -> Sources:
        stateless = {"diskstats": self.disks, "drbd": self.drbd, "lv": self.volumes}
        return Sources(
            {**stateless, "inst-status-xen": self.disks},
            {"cpu-avg-load": self.cpu, "xen-cpu-avg-load": self.cpu},
        )


class Bed:
    """A running server."""

    def __init__(self, port: int, cluster: Cluster, parts: Parts, collecting: Collecting) -> None:
        self.port, self.cluster, self.parts, self.collecting = port, cluster, parts, collecting

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        top, _, body = answer.partition(b"\r\n\r\n")
        return int(top.split()[1]), body.decode()

    async def json(self, path: str) -> Any:
        status, body = await self.get(path)
        assert status == 200, body
        return json.loads(body)


@asynccontextmanager
async def serving() -> AsyncIterator[Bed]:
    cluster, parts = Cluster(), Parts()
    collecting = Collecting(cluster, parts.sources(), SystemClock())
    await collecting.look()
    metrics = NodeMetrics(build_parts(Paths("/nonexistent/node1", "node1"), collecting, run))
    server = HttpServer(Service(collecting, metrics).answer, None, 20)
    port = await server.start(HOST, 0)
    try:
        yield Bed(port, cluster, parts, collecting)
    finally:
        await server.stop()


@pytest.fixture
async def bed() -> AsyncIterator[Bed]:
    async with serving() as found:
        yield found


async def test_paths_as_ganetis(bed: Bed) -> None:
    assert await bed.json("/") == [1]
    assert await bed.json("/1") is None
    assert await bed.json("/1/") is None
    assert await bed.json("/1/list/collectors/") == [
        ["cpu-avg-load", "default", 0],
        ["diskstats", "storage", 0],
        ["drbd", "storage", 1],
        ["lv", "storage", 0],
    ]
    assert (await bed.json("/1/report/storage/diskstats?verbose=1"))["data"] == [{"name": "vda"}]


@pytest.mark.parametrize("path", ["/nope", "//", "/2", "/1/list", "/1/report/", "/1/report/nope/x",
                                  "/1/report/default/diskstats", "/1/report/STORAGE/diskstats",
                                  "/1/report/storage%2fdiskstats", "/1/report/a/../storage/lv",
                                  "/1/report/instance/inst-status-xen"])  # fmt: skip
async def test_what_is_not_there(bed: Bed, path: str) -> None:
    status, body = await bed.get(path)
    nothing = "Unable to produce a report for the requested resource"
    assert (status, body) == (
        404,
        nothing if path.startswith("/1/report") else "Resource not found",
    )


async def test_there_is_nothing_to_change(bed: Bed) -> None:
    assert (await bed.get("/1/list/collectors", "POST"))[0] == 404


async def test_a_collector_that_fails_says_so_and_stops_no_other(bed: Bed) -> None:
    status, body = await bed.get("/1/report/storage/drbd")
    assert (status, body) == (500, "/proc/drbd: unexpected line")
    found = {one["name"]: one["data"] for one in await bed.json("/1/report/all")}
    assert found["drbd"] == {"status": {"code": 2, "message": "/proc/drbd: unexpected line"}}
    assert found["diskstats"] == [{"name": "vda"}]
    # It has no two samples yet, and no figure is made up.
    assert "cpu-avg-load" not in found


async def test_who_leaves_does_not_end_it_for_others(bed: Bed) -> None:
    bed.parts.gate.clear()
    disks = COLLECTORS[2]
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bed.collecting.data(disks))
        await bed.parts.begun.wait()
        second = group.create_task(bed.collecting.data(disks))
        await asyncio.sleep(0)
        first.cancel()
        bed.parts.gate.set()
    assert second.result() == [{"name": "vda"}]


async def test_a_bug_is_not_told(bed: Bed) -> None:
    bed.parts.fault = RuntimeError("secret")
    assert await bed.get("/1/report/storage/lv") == (500, "internal error")
    bed.parts.fault = None
    assert (await bed.json("/1/report/storage/lv"))["data"] == []


async def test_samples_are_taken_at_the_interval(bed: Bed) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bed.collecting.run())
        await bed.parts.sampled.wait()
        data = (await bed.json("/1/report/default/cpu-avg-load"))["data"]
        task.cancel()
    assert data["cpu_number"] == 1
    assert data["cpus"][0] > 0
    assert data["cpu_total"] == data["cpus"][0]


async def test_a_switch_has_its_effect_and_stays_when_confd_is_silent(bed: Bed) -> None:
    bed.cluster.active = {"diskstats": False}
    await bed.collecting.look()
    assert (await bed.get("/1/report/storage/diskstats"))[0] == 404
    assert ["inst-status-xen", "instance", 1] in await bed.json("/1/list/collectors")
    bed.cluster.active, bed.cluster.answers = {}, False
    await bed.collecting.look()
    assert (await bed.get("/1/report/storage/diskstats"))[0] == 404


async def test_who_asks_meanwhile_gets_the_same_run(bed: Bed) -> None:
    bed.parts.gate.clear()
    async with asyncio.TaskGroup() as group:
        path = "/1/report/storage/diskstats"
        asked = [group.create_task(bed.json(path)) for _ in range(10)]
        await bed.parts.begun.wait()
        # Others are answered meanwhile.
        assert await bed.json("/") == [1]
        bed.parts.gate.set()
    assert len({str(one.result()["data"]) for one in asked}) == 1
    assert bed.parts.runs <= 2


async def test_metrics_are_openmetrics_of_the_declared_names(bed: Bed) -> None:
    status, text = await bed.get("/metrics")
    assert status == 200
    found = {one.name for family in text_string_to_metric_families(text) for one in family.samples}
    assert found <= {one.name for one in METRICS}
    assert {"ganeti_node_cpus", "ganeti_node_memory_size_bytes", "ganeti_node_guests"} <= found
