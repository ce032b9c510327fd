"""Lists on real daemons: filters, formats, and a node daemon that hangs."""

import csv
import io
import json
import os
import signal

import yaml

from tests.e2e.vcluster import Cluster, virtual_cluster

# A list waits 10 s for a node; the rest is for a loaded machine.
PATIENCE_S = 60


def names(cluster: Cluster, *words: str) -> list[str]:
    """First column of a list of nodes."""
    ran = cluster.gnt("node", "list", "--no-headers", "-o", "name", *words)
    return ran.stdout.split()


def test_filters_and_formats() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        cluster.gnt("node", "add-tags", "node2", "rack1")
        assert names(cluster, '"rack1" in tags') == ["node2"]
        assert names(cluster, "-F", "master") == ["node1"]
        assert names(cluster, 'name =~ m/^NODE[13]$/i and not role == "M"') == ["node3"]
        # Brackets are no pattern: this is the name of a node that does not exist.
        cluster.gnt("node", "list", "node[13]", code=1)
        assert names(cluster, "node?") == ["node1", "node2", "node3"]
        assert names(cluster, "node3", "node1", "node3") == ["node3", "node1", "node3"]

        broken = cluster.gnt("node", "list", "name == node1", code=1)
        assert broken.stdout == ""
        assert broken.stderr.endswith("name == node1\n        ^\n")
        for wrong, said in (("pinst_cnt == '0'", "'pinst_cnt' has values like 0"),
                            ("colour", "unknown field 'colour'"),
                            ("name =~ m/(/", "\nname =~ m/(/\n           ^")):  # fmt: skip
            ran = cluster.gnt("node", "list", "-F", wrong, code=1)
            assert ran.stdout == ""
            assert said in ran.stderr

        shown = ["node", "list", "-o", "name,mtotal,tags", "--format"]
        rows = json.loads(cluster.gnt(*shown, "json").stdout)
        assert [(row["name"], row["tags"]) for row in rows] == [
            ("node1", []), ("node2", ["rack1"]), ("node3", [])]  # fmt: skip
        assert all(row["mtotal"] > 0 for row in rows)
        again = yaml.safe_load(cluster.gnt(*shown, "yaml").stdout)
        assert [row["name"] for row in again] == ["node1", "node2", "node3"]
        table = csv.DictReader(io.StringIO(cluster.gnt(*shown, "csv").stdout, newline=""))
        assert [row["tags"] for row in table] == ["[]", '["rack1"]', "[]"]
        settings = json.loads(cluster.gnt("cluster", "info", "--format", "json").stdout)
        assert settings["master"] == "node1"
        assert cluster.gnt("backup", "list", "--no-headers").stdout == ""


def test_a_node_that_hangs_costs_a_list_its_own_values() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        pid = cluster.pid("ganeti-noded", "node2")
        os.kill(pid, signal.SIGSTOP)
        try:
            words = ["node", "list", "-v", "-o", "name,bootid", "--no-headers", "--separator=:"]
            listed = cluster.gnt(*words, timeout_s=PATIENCE_S).stdout.splitlines()
            # What needs no node does not wait for one.
            assert names(cluster) == ["node1", "node2", "node3"]
        finally:
            os.kill(pid, signal.SIGCONT)
        values = dict(line.split(":", 1) for line in listed)
        assert values.pop("node2") == "(nodata)"
        assert all(len(boot) > 30 for boot in values.values())
