"""``ganeti-mond`` on real nodes: it runs with the others and does what the cluster wants."""

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pyganeti.daemons.mond.metrics import GUESTS
from tests.e2e.vcluster import MASTER, Cluster, wait_for

# Settings are looked at every 15 s.
SETTINGS_S = 120.0
NIC = "0:ip=198.51.100.7,mode=routed,link=rt"


def get(cluster: Cluster, node: str, path: str) -> Any:  # Any: JSON, or the status of an error
    ips = {row[0].partition(".")[0]: row[1] for row in cluster.listed("node", "name,pip")}
    try:
        with urllib.request.urlopen(f"http://{ips[node]}:1815{path}", timeout=60) as answer:
            return json.load(answer)
    except HTTPError as err:
        return err.code


def names(cluster: Cluster, node: str) -> set[str]:
    return {one[0] for one in get(cluster, node, "/1/list/collectors")}


def test_reports_and_switches_on_every_node(cluster: Cluster) -> None:
    cluster.init("--candidate-pool-size=1")
    cluster.add_nodes()
    for node in cluster.nodes:
        name = node.partition(".")[0]
        assert get(cluster, name, "/") == [1]
        (disks,) = (
            one["data"] for one in get(cluster, name, "/1/report/all") if one["name"] == "diskstats"
        )
        assert disks[0]["readsNum"] >= 0

    def has_loads() -> bool:
        found = get(cluster, "node3", "/1/report/default/cpu-avg-load")
        return isinstance(found, dict) and found["data"]["cpu_number"] > 0

    wait_for(has_loads, SETTINGS_S, "two samples of the CPUs")

    cluster.gnt("cluster", "modify", "--enabled-data-collectors", "diskstats=no")
    # node3 is no candidate, and asks one.
    wait_for(lambda: "diskstats" not in names(cluster, "node3"), SETTINGS_S, "the switch to act")
    assert get(cluster, "node3", "/1/report/storage/diskstats") == 404

    cluster.kill9("ganeti-mond", "node2")
    cluster.run("node2", "ganeti-watcher", "-d")
    assert cluster.run("node2", "daemon-util", "check", "ganeti-mond").returncode == 0


def test_a_collector_from_the_shell(cluster: Cluster) -> None:
    cluster.init()
    said = json.loads(cluster.run(MASTER, "mon-collector", "drbd").stdout)
    assert (said["name"], said["category"], said["kind"]) == ("drbd", "storage", 1)
    assert said["data"]["status"]["code"] == 0


def test_metrics_count_the_guests_of_a_node(cluster: Cluster) -> None:
    cluster.init("--enabled-hypervisors=fake", "--enabled-disk-templates=diskless")
    cluster.add_nodes()
    words = ["--no-install", "-o", "none", "-t", "diskless", "--net", NIC]
    cluster.gnt("instance", "add", *words, "-n", "node2", "inst1.example.com")
    cluster.gnt("instance", "startup", "inst1.example.com")
    counts = {node: guests(cluster, node) for node in ("node1", "node2")}
    assert counts == {"node1": 0, "node2": 1}


def guests(cluster: Cluster, node: str) -> float:
    """How many guests the metrics of a node have."""
    ips = {row[0].partition(".")[0]: row[1] for row in cluster.listed("node", "name,pip")}
    with urllib.request.urlopen(f"http://{ips[node]}:1815/metrics", timeout=60) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    values = [
        one.value for family in families if family.name == GUESTS.name for one in family.samples
    ]
    return float(sum(values))
