"""Roles of nodes with real daemons: demoted, drained, away, back; and what nodes store."""

import sqlite3
from contextlib import suppress
from functools import partial

from tests.e2e.footprint import data_dir, records
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

SETTLE_S = 60
OF_CANDIDATES = ("cluster.db", "cluster.db-mark", "config.data", "ca.key", "queue")


def held(cluster: Cluster, node: str) -> set[str]:
    """What a node has of that which only candidates may have."""
    return {name for name in OF_CANDIDATES if (data_dir(cluster, node) / name).exists()}


def has(cluster: Cluster, node: str, wanted: set[str]) -> bool:
    return held(cluster, node) == wanted


def wait_for_files(cluster: Cluster, node: str, wanted: set[str]) -> None:
    wait_for(partial(has, cluster, node, wanted), SETTLE_S, f"{node} to have {sorted(wanted)}")


def is_equal(cluster: Cluster, node: str) -> bool:
    """Whether a node has a copy of the master's database, with the same records."""
    with suppress(sqlite3.OperationalError):
        return records(cluster, node) == records(cluster)
    return False


def wait_equal(cluster: Cluster, node: str) -> None:
    wait_for(partial(is_equal, cluster, node), SETTLE_S, f"{node} to catch up")


def roles(cluster: Cluster) -> list[str]:
    return [role for (role,) in cluster.listed("node", "role")]


def ssconf(cluster: Cluster, node: str, key: str) -> list[str]:
    return (data_dir(cluster, node) / f"ssconf_{key}").read_text().split()


def test_nodes_leave_their_roles_and_come_back() -> None:
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        for node in ("node2", "node3"):
            wait_equal(cluster, node)
            wait_for_files(cluster, node, set(OF_CANDIDATES))

        said = cluster.gnt("node", "modify", "--drained=yes", "node3")
        assert said.stdout.splitlines()[-3:] == [
            "Modified node node3",
            " - master_candidate -> False",
            " - drained -> True",
        ]
        assert held(cluster, "node3") == set()
        assert roles(cluster) == ["M", "C", "D"]
        refused = cluster.gnt(
            "instance", "add", "-t", "diskless", "-o", "micro+default", "--no-install",
            "--no-nics", "-n", "node3", "web1.example.com", code=1,
        )  # fmt: skip
        assert "node3 is drained" in refused.stderr

        # One that is away while it loses its role loses the rest when it is back.
        assert cluster.run("node2", "daemon-util", "stop", "ganeti-noded").returncode == 0
        cluster.gnt("node", "modify", "--offline=yes", "node2")
        assert ssconf(cluster, "node3", "offline_nodes") == ["node2"]
        refused = cluster.gnt("node", "modify", "--offline=no", "node2", code=1)
        assert "node2 does not answer" in refused.stderr
        cluster.start_daemons()
        assert held(cluster, "node2") == set(OF_CANDIDATES)
        cluster.gnt("node", "modify", "--offline=no", "-C", "no", "node2")
        wait_for_files(cluster, "node2", set())

        cluster.gnt("node", "modify", "-C", "yes", "node2")
        cluster.gnt("node", "modify", "-D", "no", "node3")
        for node in ("node2", "node3"):
            wait_equal(cluster, node)
            wait_for_files(cluster, node, set(OF_CANDIDATES))
        assert roles(cluster) == ["M", "C", "C"]
        assert len(ssconf(cluster, "node3", "master_candidates_certs")) == 3
        cluster.gnt("cluster", "verify")


def test_a_master_that_dies_leaves_no_half_of_a_change() -> None:
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        cluster.gnt("node", "modify", "--submit", "-C", "no", "node3")
        job = cluster.listed("job", "id")[-1][0]
        cluster.kill9("ganeti-masterd")
        cluster.start_daemons()
        ended = {"success", "error"}
        wait_for(
            lambda: (
                cluster.gnt("job", "list", "--no-headers", "-o", "status", job).stdout.strip()
                in ended
            ),
            SETTLE_S,
            "the job to end",
        )
        wanted = set(OF_CANDIDATES) if roles(cluster)[2] == "C" else set()
        wait_for_files(cluster, "node3", wanted)
        cluster.gnt("cluster", "verify")


def test_a_node_is_added_again_with_other_parameters() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        cluster.gnt("node", "modify", "--offline=yes", "--vm-capable=no", "node2")
        cluster.gnt("node", "add", "--readd", "--node-parameters", "spindle_count=4", "node2")
        fields = "role,vm_capable,ndp/spindle_count"
        assert cluster.listed("node", fields)[1] == ["C", "N", "4"]
        wait_equal(cluster, "node2")


def test_what_nodes_store_is_listed() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        said = cluster.gnt("node", "list-storage", "--no-headers", "-o", "node,type,name,used")
        rows = [line.split() for line in said.stdout.splitlines()]
        directory = "/srv/ganeti/file-storage"
        assert [row[:3] for row in rows] == [
            ["node1", "file", directory],
            ["node2", "file", directory],
        ]
        assert all(row[3].endswith("M") for row in rows)
        refused = cluster.gnt("node", "list-storage", "-t", "lvm-vg", code=1)
        assert "no enabled disk template uses storage of type lvm-vg" in refused.stderr
        # Nodes here may have LVM or not: what cannot be told is said, and no error.
        cluster.gnt("node", "volumes", "node2")
        assert cluster.gnt("node", "list-drbd", "--no-headers", "node1").stdout == ""
