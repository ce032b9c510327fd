"""Job filters with real daemons: they hold, and outlive the master daemon."""

import json

from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

NEW = '[["jobid", [">", "id", "watermark"]]]'


def submit(cluster: Cluster, seconds: str, *options: str) -> str:
    """A delay under way; its number."""
    said = cluster.gnt("debug", "delay", "--submit", *options, seconds)
    return said.stderr.strip().rpartition(" ")[2]


def states(cluster: Cluster) -> dict[str, str]:
    """State of each job by its number."""
    return {row[0]: row[1] for row in cluster.listed("job", "id,status")}


def test_filters_outlive_the_master_daemon() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init(hypervisor="fake")
        words = ("--reason", "moving house", "--predicates", NEW)
        rule = cluster.gnt("filter", "add", "--action=PAUSE", "--priority=1", *words).stdout.strip()
        cluster.gnt("filter", "add", "--action=ACCEPT", "--predicates",
                    '[["reason", ["=~", "reason", "pink bunny"]]]')  # fmt: skip
        paused, ours = submit(cluster, "0.1"), submit(cluster, "0.1", "--reason", "pink bunny")
        wait_for(lambda: states(cluster)[ours] == "success", 30, "the job that is let through")
        assert states(cluster)[paused] == "queued"
        before = cluster.gnt("filter", "info").stdout
        cluster.kill9("ganeti-masterd")
        cluster.start_daemons()
        assert cluster.gnt("filter", "info").stdout == before
        assert "moving house" in before
        assert states(cluster)[paused] == "queued"
        cluster.gnt("filter", "replace", "--action=REJECT", rule)
        wait_for(lambda: states(cluster)[paused] == "canceled", 30, "the job to be rejected")
        assert f"Job canceled by job filter {rule}" in cluster.gnt("job", "info", paused).stdout
        # A command whose job is rejected fails.
        assert cluster.gnt("debug", "delay", "0.1", code=1).returncode == 1
        cluster.gnt("filter", "delete", rule)
        cluster.gnt("debug", "delay", "0.1")
        assert [row[0] for row in cluster.listed("filter", "action")] == ["ACCEPT"]


def test_filters_are_in_the_configuration_file() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init(hypervisor="fake")
        rule = cluster.gnt("filter", "add", "--action=RATE_LIMIT 2", "--priority=7").stdout.strip()
        path = cluster.root("node1") / "var/lib/ganeti/config.data"
        wait_for(lambda: path.exists() and rule in path.read_text(), 30, "the file to be written")
        found = json.loads(path.read_text())["filters"][rule]
        assert found.pop("reason_trail")[0][:2] == ["luxid", ""]
        wanted = {"action": ["RATE_LIMIT", 2], "predicates": [], "priority": 7, "uuid": rule}
        assert found.pop("watermark") == len(states(cluster))
        assert found == wanted


def test_an_unknown_filter_and_a_bad_one() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init(hypervisor="fake")
        unknown = "8b53f7de-f8e2-4470-99bd-1efe746e434f"
        assert unknown in cluster.gnt("filter", "delete", unknown, code=1).stderr
        assert unknown in cluster.gnt("filter", "info", unknown, code=1).stderr
        said = cluster.gnt("filter", "add", "--predicates", '[["phase", []]]', code=1).stderr
        assert "predicate 1 is ['phase', []]" in said
        assert cluster.listed("filter", "uuid") == []
