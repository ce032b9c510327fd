"""``/metrics`` of ``ganeti-rapi`` on a real cluster: what it counts is there."""

import ssl
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.rapi.metrics import METRICS
from tests.e2e.vcluster import Cluster


def scraped(cluster: Cluster) -> dict[tuple[str, ...], float]:
    """Values by name and labels."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"https://{cluster.address(cluster.master)}:5080/metrics"
    with urllib.request.urlopen(url, context=context, timeout=60) as answer:
        text = answer.read().decode()
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_cluster_is_counted(cluster: Cluster) -> None:
    cluster.init("--enabled-hypervisors=fake", "--candidate-pool-size=2")
    cluster.add_nodes()
    cluster.gnt("node", "modify", "--offline=yes", "--auto-promote", "node3")
    found = scraped(cluster)
    assert {key[0] for key in found} == {name for metric in METRICS for name in metric.series}
    roles = {key[1]: value for key, value in found.items() if key[0] == "ganeti_cluster_nodes"}
    assert (roles["master"], roles["candidate"], roles["offline"]) == (1, 1, 1)
    assert found["ganeti_cluster_silent_nodes",] == 0
    size, free = (found[f"ganeti_cluster_memory_{what}_bytes",] for what in ("size", "free"))
    assert 0 < free < size
    assert found["ganeti_cluster_instances", "running"] == 0
    # The jobs that made the cluster what it is.
    assert found["ganeti_cluster_job_run_seconds_count", "success"] >= 3
    assert found["ganeti_cluster_job_queue_seconds_bucket", "+Inf"] >= 3
    assert found["ganeti_cluster_lock_wait_seconds_count",] >= 3
    assert found["ganeti_cluster_node_call_seconds_count", "ok"] > 0
    assert found["ganeti_cluster_replication_seconds_count",] > 0
    assert found["ganeti_cluster_candidates", "current"] == 2
    assert found["ganeti_cluster_replication_lag_seconds",] == 0
    cluster.gnt("debug", "delay", "0.2")
    again = scraped(cluster)
    name = "ganeti_cluster_job_run_seconds"
    assert again[f"{name}_count", "success"] == found[f"{name}_count", "success"] + 1
    assert again[f"{name}_sum", "success"] >= found[f"{name}_sum", "success"] + 0.2

    cluster.kill9("ganeti-noded", "node2")
    assert scraped(cluster)["ganeti_cluster_silent_nodes",] == 1
    cluster.gnt("cluster", "add-tags", "blue")
    found = scraped(cluster)
    assert found["ganeti_cluster_node_call_seconds_count", "silent"] > 0
    assert found["ganeti_cluster_candidates", "behind"] == 1
    assert found["ganeti_cluster_replication_lag_seconds",] > 0
