"""What a node removes when it leaves its cluster, or is a candidate no more."""

import os
from pathlib import Path

from pyganeti.kit.paths import Paths
from pyganeti.node.leave import forget_candidacy, leave_cluster, remove_database

OF_CANDIDATES = {
    "ca-next.pem",
    "ca.key",
    "config.data",
    "queue/archive/0/job-0",
    "queue/job-1",
    "queue/serial",
}
DATABASE = {"cluster.db", "cluster.db-wal", "cluster.db-shm", "cluster.db-mark"}
OF_MEMBERS = {"ca.pem", "client.pem", "server.pem", "ssconf_master_node", "epoch"}
OTHERS = {"export/web1/config.ini", "cluster.db.bak", "known_hosts"}


def node(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path), "node1")
    for name in OF_CANDIDATES | DATABASE | OF_MEMBERS | OTHERS:
        path = Path(paths.data_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return paths


def left(paths: Paths) -> set[str]:
    return {
        os.path.relpath(f"{directory}/{name}", paths.data_dir)
        for directory, _, names in os.walk(paths.data_dir)
        for name in names
    }


def test_a_former_candidate_stays_a_member(tmp_path: Path) -> None:
    paths = node(tmp_path)
    for _ in range(2):
        forget_candidacy(paths)
        assert left(paths) == DATABASE | OF_MEMBERS | OTHERS
    assert not os.path.exists(paths.queue_dir)


def test_the_database_goes_with_all_its_files(tmp_path: Path) -> None:
    paths = node(tmp_path)
    for _ in range(2):
        remove_database(paths)
        assert left(paths) == OF_CANDIDATES | OF_MEMBERS | OTHERS


def test_a_node_that_leaves_keeps_what_is_no_clusters(tmp_path: Path) -> None:
    paths = node(tmp_path)
    leave_cluster(paths, ssh=False)
    assert left(paths) == OTHERS
