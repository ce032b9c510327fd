"""A small cluster, and stand-ins for what queries ask: nodes, the queue, locks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyganeti.master.locks import LockState
from pyganeti.master.query.engine import QueryEngine
from pyganeti.master.query.live import Guests
from pyganeti.master.query.sources import JobRecord, LogEntry, Sources, Timestamp
from pyganeti.master.queue.job import StepProgress
from pyganeti.master.queue.waits import QueueWait
from pyganeti.model.enums import AdminState, JobStatus
from pyganeti.model.errors import CallTimeout, GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.disks import StorageInfo
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.types import (
    NodeInfo,
    OsInfo,
    ProviderInfo,
)
from tests.unit.model import make as m

Rows = list[list[Any]]

INFO = NodeInfo(
    boot_id="boot-1",
    storage=(StorageInfo(type="file", name="/srv", storage_free=700, storage_size=1000),),
    hypervisors={
        "fake": HypervisorInfo(
            memory_total=4096,
            memory_free=3000,
            memory_dom0=500,
            cpu_total=8,
            cpu_nodes=2,
            cpu_sockets=1,
            cpu_dom0=7,
        )
    },
)


def guest(name: str, state: GuestState = GuestState.RUNNING) -> GuestInfo:
    """A guest as its node reports it."""
    return GuestInfo(name=name, memory=256, vcpus=2, state=state, cputime=1.0)


@dataclass
class FakeLive:
    """Answers from tables; a node in none of them does not answer. ``asked`` counts calls."""

    info: Mapping[str, NodeInfo] = field(default_factory=dict)
    on_nodes: Mapping[str, Guests] = field(default_factory=dict)
    console: Mapping[str, ConsoleInfo] = field(default_factory=dict)
    exported: Mapping[str, Sequence[str]] = field(default_factory=dict)
    os: Mapping[str, Sequence[OsInfo]] = field(default_factory=dict)
    provider: Mapping[str, Sequence[ProviderInfo]] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def node_info(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, NodeInfo | GenericError]:
        """What ``info`` says."""
        wanted = tuple(nodes)
        self.asked.append(("node_info", wanted))
        return {node: self.info.get(node) or CallTimeout(node) for node in wanted}

    async def guests(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Guests | GenericError]:
        """What ``on_nodes`` says."""
        wanted = tuple(nodes)
        self.asked.append(("guests", wanted))
        return {node: self.on_nodes.get(node, CallTimeout(node)) for node in wanted}

    async def consoles(
        self, view: ClusterView, instances: Sequence[Instance]
    ) -> Mapping[str, ConsoleInfo | GenericError]:
        """What ``console`` says."""
        wanted = tuple(instance.name for instance in instances)
        self.asked.append(("consoles", wanted))
        return {i.uuid: self.console.get(i.name) or CallTimeout(i.name) for i in instances}

    async def exports(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[str] | GenericError]:
        """What ``exported`` says."""
        wanted = tuple(nodes)
        self.asked.append(("exports", wanted))
        return {node: self.exported.get(node, CallTimeout(node)) for node in wanted}

    async def oses(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[OsInfo] | GenericError]:
        """What ``os`` says."""
        wanted = tuple(nodes)
        self.asked.append(("oses", wanted))
        return {node: self.os.get(node, CallTimeout(node)) for node in wanted}

    async def providers(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[ProviderInfo] | GenericError]:
        """What ``provider`` says."""
        wanted = tuple(nodes)
        self.asked.append(("providers", wanted))
        return {node: self.provider.get(node, CallTimeout(node)) for node in wanted}


@dataclass
class Op:
    """An opcode of a job."""

    input: dict[str, Any]
    status: JobStatus = JobStatus.QUEUED
    result: Any = None
    log: list[LogEntry] = field(default_factory=list)
    priority: int = 0
    start_timestamp: Timestamp | None = None
    exec_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None
    progress: StepProgress | None = None


@dataclass
class FakeJob:
    """A job."""

    id: int
    ops: list[Op]
    status: JobStatus = JobStatus.QUEUED
    priority: int = 0
    archived: bool = False
    received_timestamp: Timestamp | None = (100, 500_000)
    start_timestamp: Timestamp | None = None
    end_timestamp: Timestamp | None = None
    progress: StepProgress | None = None


@dataclass
class FakeQueue:
    """The queue."""

    jobs: Sequence[FakeJob] = ()
    drained: bool = False

    def current_jobs(self) -> Sequence[JobRecord]:
        """Those not archived."""
        return [job for job in self.jobs if not job.archived]

    async def archived_jobs(self) -> Sequence[JobRecord]:
        """The others."""
        return [job for job in self.jobs if job.archived]

    async def find_job(self, job_id: int) -> JobRecord | None:
        """One of either."""
        return next((job for job in self.jobs if job.id == job_id), None)


def engine(
    view: ClusterView,
    *,
    live: FakeLive | None = None,
    jobs: Sequence[FakeJob] = (),
    locks: Sequence[LockState] = (),
    waits: Sequence[QueueWait] = (),
) -> QueryEngine:
    """An engine over stand-ins."""
    sources = Sources(
        view=view,
        live=live or FakeLive(),
        jobs=FakeQueue(jobs),
        locks=lambda: locks,
        waits=lambda: waits,
    )
    return QueryEngine(lambda: sources)


def cluster() -> ClusterView:
    """Three nodes, the last offline; web1 on node1, web2 mirrored, web10 on the offline one."""
    return m.view(
        m.node(1, tags=("b", "a")),
        m.node(2, ndparams={"oob_program": "/bin/oob"}),
        m.node(3, offline=True),
        m.group(networks={"network-1": {"mode": "bridged", "link": "br9", "vlan": ""}}),
        m.network(reservations="11000001", ext_reservations="00010000"),
        m.instance(
            1,
            disks=("disk-1",),
            nics=(
                m.nic(1, ip="192.0.2.9"),
                m.nic(2, network="network-1", nicparams={"mode": "routed"}),
            ),
        ),
        m.instance(2, disks=("disk-2",), admin_state=AdminState.DOWN),
        m.instance(10, primary_node="node-3"),
        m.disk(1, name="root"),
        m.drbd(2),
    )


async def rows(what: str, fields: list[str], qfilter: object = None, **stand_ins: Any) -> Rows:
    """The values of a query, or the status name where there is none."""
    answer = await engine(cluster(), **stand_ins).query(what, fields, qfilter)
    return [
        [value if status == 0 else f"({status})" for status, value in row] for row in answer["data"]
    ]
