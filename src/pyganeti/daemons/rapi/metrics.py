"""The metrics of the cluster: what ``/metrics`` of ganeti-rapi says.

    LUXI queries -> rows -> samples -> OpenMetrics

What the master does not know, or a node does not say, is left out and never counted as 0.
Source: ``docs/metrics.md``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pyganeti.daemons.exposing import Declared, Sample, Spread, Type, expose
from pyganeti.model.enums import FINALIZED, InstanceStatus, JobStatus, NodeRole
from pyganeti.rapi.call import Json, Master

from . import health

_MIB: Final = 1024 * 1024
_GAUGE: Final = Type.GAUGE
_HISTOGRAM: Final = Type.HISTOGRAM

INSTANCES: Final = Declared(
    "ganeti_cluster_instances", _GAUGE, "Instances, by status.", ("status",)
)
NODES: Final = Declared("ganeti_cluster_nodes", _GAUGE, "Nodes, by role.", ("role",))
SILENT: Final = Declared(
    "ganeti_cluster_silent_nodes", _GAUGE, "Nodes that are not offline and do not answer."
)
CPUS: Final = Declared("ganeti_cluster_cpus", _GAUGE, "CPUs of the nodes that answer.")
MEMORY: Final = Declared(
    "ganeti_cluster_memory_size_bytes", _GAUGE, "Memory of the nodes that answer."
)
MEMORY_FREE: Final = Declared(
    "ganeti_cluster_memory_free_bytes", _GAUGE, "What of it is free for guests now."
)
DISK: Final = Declared(
    "ganeti_cluster_storage_size_bytes", _GAUGE, "Storage of the nodes that answer."
)
DISK_FREE: Final = Declared(
    "ganeti_cluster_storage_free_bytes", _GAUGE, "What of it is free for disks."
)
JOBS: Final = Declared("ganeti_cluster_jobs", _GAUGE, "Jobs that have not ended.", ("status",))
QUEUED: Final = Declared(
    "ganeti_cluster_job_queue_seconds", _HISTOGRAM, "From a job's submission until it begins."
)
RAN: Final = Declared(
    "ganeti_cluster_job_run_seconds", _HISTOGRAM, "From its begin to its end.", ("status",)
)
LOCK_WAITS: Final = Declared(
    "ganeti_cluster_lock_wait_seconds", _HISTOGRAM, "How long operations waited for locks."
)
NODE_CALLS: Final = Declared(
    "ganeti_cluster_node_call_seconds",
    _HISTOGRAM,
    "How long the master waited for answers of nodes.",
    ("result",),
)
CANDIDATES: Final = Declared(
    "ganeti_cluster_candidates",
    _GAUGE,
    "Master candidates, the master counted, by whether they have all changes.",
    ("state",),
)
CONFIRMED: Final = Declared(
    "ganeti_cluster_replication_seconds",
    _HISTOGRAM,
    "How long changes took until the candidates confirmed them.",
)
LAG: Final = Declared(
    "ganeti_cluster_replication_lag_seconds",
    _GAUGE,
    "How long the candidate that is behind the longest has lacked changes.",
)
METRICS: Final = (
    INSTANCES, NODES, SILENT, CPUS, MEMORY, MEMORY_FREE, DISK, DISK_FREE, JOBS, QUEUED, RAN,
    LOCK_WAITS, NODE_CALLS, CANDIDATES, CONFIRMED, LAG, *health.METRICS,
)  # fmt: skip

ROLES: Final = {role.value: role.name.lower() for role in NodeRole}
# By their names in the master's answer.
_DURATIONS: Final = {
    "job_queue": QUEUED,
    "job_run": RAN,
    "lock_wait": LOCK_WAITS,
    "node_call": NODE_CALLS,
    "replication": CONFIRMED,
}
# In the order in which they are asked for, after name and role.
_RESOURCES: Final = (
    ("ctotal", CPUS, 1),
    ("mtotal", MEMORY, _MIB),
    ("mfree", MEMORY_FREE, _MIB),
    ("dtotal", DISK, _MIB),
    ("dfree", DISK_FREE, _MIB),
)
_OFFLINE: Final = NodeRole.OFFLINE.value
_OPEN: Final = tuple(status for status in JobStatus if status not in FINALIZED)


async def cluster_metrics(master: Master, placed: health.Health) -> bytes:
    """The answer.

    Raises:
        GenericError: the master does not answer.
    """
    instances = await master.ask("QueryInstances", [], ["status"], False)
    fields = ["role", *(name for name, _metric, _unit in _RESOURCES)]
    nodes = await master.ask("QueryNodes", [], fields, False)
    wanted = ["|", *(["=", "status", status.value] for status in _OPEN)]
    jobs = await master.ask("Query", "job", ["status"], wanted)
    measures = await master.ask("QueryMeasures")
    found = [
        *counted(INSTANCES, (row[0] for row in instances), [one.value for one in InstanceStatus]),
        *node_samples(nodes),
        *counted(JOBS, (row[0][1] for row in jobs["data"]), [one.value for one in _OPEN]),
        *measured(measures),
        *await placed.samples(master),
    ]
    return expose(METRICS, found)


def counted(metric: Declared, found: Iterable[str], values: Sequence[str]) -> list[Sample]:
    """How often each of ``values`` occurs; all of them are there, so that a rule may rely on it."""
    words = list(found)
    return [Sample(metric, words.count(value), (value,)) for value in values]


def measured(told: Json) -> list[Sample | Spread]:
    """What the master counted of its own work.

    Args:
        told: the answer to ``QueryMeasures``.
    """
    samples = [Sample(CANDIDATES, count, (state,)) for state, count in told["candidates"].items()]
    spreads = [
        Spread(
            _DURATIONS[one["name"]],
            one["bounds"],
            one["counts"],
            one["sum"],
            (one["of"],) if one["of"] else (),
        )
        for one in told["durations"]
    ]
    return [*samples, Sample(LAG, told["replication_lag"]), *spreads]


def node_samples(rows: Sequence[Sequence[Json]]) -> list[Sample]:
    """Figures of all nodes together.

    Args:
        rows: of role and resources in MiB; ``None`` where a node does not say.
    """
    samples = counted(NODES, (ROLES[row[0]] for row in rows), list(ROLES.values()))
    online = [row for row in rows if row[0] != _OFFLINE]
    memory = 1 + [metric for _name, metric, _unit in _RESOURCES].index(MEMORY)
    samples.append(Sample(SILENT, sum(row[memory] is None for row in online)))
    for index, (_name, metric, unit) in enumerate(_RESOURCES, 1):
        said = [row[index] for row in online if row[index] is not None]
        if said:
            samples.append(Sample(metric, sum(said) * unit))
    return samples
