"""``/metrics`` of the REST daemon: figures of the cluster, for those who may read them."""

from pathlib import Path
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.exposing import CONTENT_TYPE
from pyganeti.daemons.rapi.metrics import METRICS
from pyganeti.htools.answers import INSTANCE_FIELDS, NODE_FIELDS
from pyganeti.model.errors import OpPrereqError
from tests.contract.rapi.harness import READER, WRONG, Bed, bed

MIB = 1024 * 1024
SIZES = ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use")
# What the master times, and what of it.
OF = {
    "job_queue": [""],
    "job_run": ["success", "error", "canceled"],
    "lock_wait": [""],
    "node_call": ["ok", "error", "silent"],
    "replication": [""],
}
POLICY = {
    "minmax": [{"min": dict.fromkeys(SIZES, 0), "max": dict.fromkeys(SIZES, 100_000)}],
    "std": dict.fromkeys(SIZES, 1), "disk-templates": ["drbd"], "vcpu-ratio": 4,
    "spindle-ratio": 32,
}  # fmt: skip


def answer(*rows: dict[str, Any]) -> dict[str, Any]:
    """Rows of fields with values."""
    return {"data": [[[0, value] for value in row.values()] for row in rows], "fields": []}


def node(name: str, free: int) -> dict[str, Any]:
    values = {
        "name": name, "mtotal": 8192, "mnode": 1024, "mfree": free, "dtotal": 1000, "dfree": 500,
        "ctotal": 8, "cnos": 1, "offline": False, "drained": False, "vm_capable": True,
        "ndp/spindle_count": 1, "group.uuid": "g", "tags": [], "ndp/exclusive_storage": False,
        "sptotal": 0, "spfree": 0, "ndp/cpu_speed": 1.0,
    }  # fmt: skip
    assert tuple(values) == NODE_FIELDS
    return values


def mirrored(name: str, memory: int, *nodes: str) -> dict[str, Any]:
    values = {
        "name": name, "disk_usage": 250, "be/memory": memory, "be/vcpus": 1, "status": "running",
        "pnode": nodes[0], "snodes": list(nodes[1:]), "tags": [], "be/auto_balance": True,
        "disk_template": "drbd", "be/spindle_use": 1, "disk.sizes": [122], "disk.spindles": [None],
        "forthcoming": False,
    }  # fmt: skip
    assert tuple(values) == INSTANCE_FIELDS
    return values


PLACED = {
    "job": answer({"s": "running"}, {"s": "queued"}, {"s": "queued"}),
    "group": answer({"u": "g", "n": "default", "p": "preferred", "i": POLICY, "t": []}),
    "node": answer(node("n1", 2000), node("n2", 1000)),
    "instance": answer(mirrored("a", 1500, "n1", "n2"), mirrored("b", 600, "n2", "n1")),
}
ANSWERS = {
    "QueryInstances": [["running"], ["running"], ["ERROR_down"]],
    "QueryNodes": [
        ["M", 4, 1024, 512, 2000, 1000],
        ["C", None, None, None, None, None],
        ["O", None, None, None, None, None],
    ],
    "QueryMeasures": {
        "durations": [
            {"name": name, "of": of, "bounds": [0.5, 10], "counts": [1, 2, 3], "sum": 99.5}
            for name, ends in OF.items()
            for of in ends
        ],
        "candidates": {"current": 2, "behind": 1},
        "replication_lag": 30.5,
    },
    "Query": lambda kind, *_: PLACED[kind],
    "QueryClusterInfo": {
        "master": "n1",
        "tags": [],
        "ipolicy": POLICY,
        "default_hypervisor": "fake",
    },
}


async def values(one: Bed, *headers: str) -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    answer = await one.ask("GET", "/metrics", *headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == CONTENT_TYPE
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def test_what_is_known_is_counted_and_what_is_not_is_left_out(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers |= ANSWERS
        found = await values(one)
    assert {key[0] for key in found} == {name for metric in METRICS for name in metric.series}
    assert found["ganeti_cluster_instances", "running"] == 2
    assert found["ganeti_cluster_instances", "ERROR_down"] == 1
    assert found["ganeti_cluster_instances", "ERROR_up"] == 0
    assert found["ganeti_cluster_nodes", "master"] == 1
    assert found["ganeti_cluster_nodes", "offline"] == 1
    assert found["ganeti_cluster_silent_nodes",] == 1
    assert found["ganeti_cluster_memory_free_bytes",] == 512 * MIB
    assert found["ganeti_cluster_storage_size_bytes",] == 2000 * MIB
    assert found["ganeti_cluster_jobs", "queued"] == 2
    assert ("ganeti_cluster_jobs", "success") not in found
    assert found["ganeti_cluster_candidates", "behind"] == 1
    assert found["ganeti_cluster_replication_lag_seconds",] == 30.5


async def test_durations_are_histograms(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers |= ANSWERS
        found = await values(one)
    # The strict parser refuses ranges that do not grow, or lack the last.
    name = "ganeti_cluster_job_run_seconds"
    assert found[f"{name}_bucket", "0.5", "error"] == 1
    assert found[f"{name}_bucket", "10.0", "error"] == 3
    assert found[f"{name}_bucket", "+Inf", "error"] == 6
    assert found[f"{name}_count", "error"] == 6
    assert found[f"{name}_sum", "error"] == 99.5
    assert found["ganeti_cluster_lock_wait_seconds_count",] == 6
    assert found["ganeti_cluster_node_call_seconds_count", "silent"] == 6


async def test_where_nobody_answers_there_are_no_sums(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers |= {**ANSWERS, "QueryNodes": [["M", None, None, None, None, None]]}
        found = await values(one)
    assert found["ganeti_cluster_silent_nodes",] == 1
    assert ("ganeti_cluster_memory_size_bytes",) not in found


async def test_how_instances_are_placed_is_computed_now_and_then(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers |= ANSWERS
        found = await values(one)
        # n2 has less than it needs should n1 fail.
        assert found["ganeti_cluster_n1_failing_nodes",] == 1
        assert found["ganeti_cluster_n1_slack_bytes",] == (1000 - 1500) * MIB
        assert found["ganeti_cluster_score",] > 0
        asked = [args[0] for name, args in one.master.called if name == "Query"]
        await values(one)
        more = [args[0] for name, args in one.master.called if name == "Query"][len(asked) :]
        assert (asked, more) == (["job", "group", "node", "instance"], ["job"])


async def test_a_cluster_that_htools_do_not_understand_has_no_score(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        strange = {**PLACED, "instance": answer(mirrored("a", 1500, "n1", "gone"))}
        one.master.answers |= {**ANSWERS, "Query": lambda kind, *_: strange[kind]}
        found = await values(one)
    assert ("ganeti_cluster_score",) not in found
    assert found["ganeti_cluster_jobs", "queued"] == 2


async def test_who_may_read_them(tmp_path: Path) -> None:
    async with bed(tmp_path, all_need=True) as one:
        one.master.answers |= ANSWERS
        assert (await one.ask("GET", "/metrics")).status == 401
        assert (await one.ask("GET", "/metrics", WRONG)).status == 401
        assert await values(one, READER)
        assert (await one.ask("PUT", "/metrics", READER)).status == 501


async def test_what_the_master_refuses_is_an_error(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers |= {**ANSWERS, "QueryNodes": OpPrereqError("no")}
        answer = await one.ask("GET", "/metrics")
    assert answer.status == 400
    assert answer.json["code"] == 400
