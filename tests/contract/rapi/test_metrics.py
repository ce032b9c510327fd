"""``/metrics`` of the REST daemon: figures of the cluster, for those who may read them."""

from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.exposing import CONTENT_TYPE
from pyganeti.daemons.rapi.metrics import METRICS
from pyganeti.model.errors import OpPrereqError
from tests.contract.rapi.harness import READER, WRONG, Bed, bed

MIB = 1024 * 1024
# What the master times, and what of it.
OF = {
    "job_queue": [""],
    "job_run": ["success", "error", "canceled"],
    "lock_wait": [""],
    "node_call": ["ok", "error", "silent"],
    "replication": [""],
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
    "Query": {"data": [[[0, "running"]], [[0, "queued"]], [[0, "queued"]]], "fields": []},
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
