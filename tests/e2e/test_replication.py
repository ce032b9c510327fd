"""What is acknowledged stays, on the master and on its candidates, whatever is killed."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tests.e2e.footprint import config_data, data_dir, records
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

# Exports are written one second after a change; the rest is for a loaded machine.
EXPORT_S = 15
CATCH_UP_S = 60


def are_equal(cluster: Cluster, node: str) -> bool:
    """Whether a candidate's database has the same records as the master's."""
    return records(cluster, node) == records(cluster)


def wait_equal(cluster: Cluster, *nodes: str) -> None:
    for node in nodes:
        wait_for(partial(are_equal, cluster, node), CATCH_UP_S, f"{node} to catch up")


def stop(cluster: Cluster, node: str) -> None:
    assert cluster.run(node, "daemon-util", "stop", "ganeti-noded").returncode == 0


def job_logs(cluster: Cluster) -> str:
    """What all jobs have said, by ``gnt-job info``."""
    ids = [row[0] for row in cluster.listed("job", "id")]
    return cluster.gnt("job", "info", *ids).stdout


def test_a_lost_candidate_catches_up_and_a_minority_is_said() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        wait_equal(cluster, "node2", "node3")

        stop(cluster, "node2")
        said = cluster.gnt("cluster", "add-tags", "one-lost")
        assert "not replicated" not in said.stdout + said.stderr
        assert "not replicated" not in job_logs(cluster)
        wait_equal(cluster, "node3")
        assert not are_equal(cluster, "node2")

        stop(cluster, "node3")
        # The change that finds out says so, and so does each that follows.
        for tag in ("both-lost", "still-lost"):
            said = cluster.gnt("cluster", "add-tags", tag)
            assert "not replicated: 1 of 3 " in said.stdout + said.stderr
        assert job_logs(cluster).count("not replicated") == 2

        cluster.start_daemons()
        wait_equal(cluster, "node2", "node3")
        said = cluster.gnt("cluster", "add-tags", "all-back")
        assert "not replicated" not in said.stdout + said.stderr
        wait_equal(cluster, "node2", "node3")
        cluster.gnt("cluster", "verify")


def test_a_candidate_that_hangs_delays_changes_once() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        pid = cluster.pid("ganeti-noded", "node2")
        os.kill(pid, signal.SIGSTOP)
        try:
            for number in range(5):
                cluster.gnt("cluster", "add-tags", f"tag{number}", timeout_s=60)
            wait_equal(cluster, "node3")
            cluster.kill9("ganeti-masterd")
            # A hanging node does not keep a master from starting either.
            assert cluster.run("node1", "daemon-util", "start", "ganeti-masterd").returncode == 0
            cluster.gnt("cluster", "add-tags", "after")
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_equal(cluster, "node2", "node3")


class Stream:
    """Adds one tag after another until the master is gone; remembers what was acknowledged."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        self.acknowledged: list[str] = []
        self._cluster = cluster
        self._prefix = prefix
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for number in range(10_000):
            tag = f"{self._prefix}-{number}"
            if self._cluster.run("node1", "gnt-cluster", "add-tags", tag).returncode != 0:
                return
            self.acknowledged.append(tag)

    def has(self, count: int) -> bool:
        """Whether so many were acknowledged."""
        return len(self.acknowledged) >= count

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(120)
        assert not self._thread.is_alive()


def last_job(cluster: Cluster) -> int:
    return max(int(row[0]) for row in cluster.listed("job", "id"))


def test_no_acknowledged_change_is_lost_when_the_master_is_killed() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        wait_equal(cluster, "node2", "node3")
        kept: set[str] = set()
        for round_ in range(3):
            streams = [Stream(cluster, f"r{round_}-s{number}") for number in range(3)]
            for stream in streams:
                wait_for(partial(stream.has, 3), 60, "changes to be acknowledged")
            before = last_job(cluster)
            cluster.kill9("ganeti-masterd")
            for stream in streams:
                stream.join()
                kept.update(stream.acknowledged)
            cluster.start_daemons()
            tags = set(cluster.gnt("cluster", "list-tags").stdout.split())
            assert kept <= tags
            cluster.gnt("cluster", "add-tags", f"after-{round_}")
            assert last_job(cluster) > before
            kept.add(f"after-{round_}")
        wait_equal(cluster, "node2", "node3")
        statuses = {row[0] for row in cluster.listed("job", "status")}
        assert statuses <= {"success", "error"}
        cluster.gnt("cluster", "verify")


def wait_exported(condition: Callable[[], bool], what: str) -> None:
    wait_for(condition, EXPORT_S, what)


def has_tag(cluster: Cluster, node: str, tag: str) -> bool:
    if not (data_dir(cluster, node) / "config.data").exists():
        return False  # the first export is still to come
    return tag in config_data(cluster, node)["cluster"]["tags"]


def has_file(cluster: Cluster, node: str, name: str) -> bool:
    return name in queue_files(cluster, node)


def lacks_file(cluster: Cluster, node: str, name: str) -> bool:
    return not has_file(cluster, node, name)


def has_exports(cluster: Cluster, node: str) -> bool:
    """Whether a candidate has the same files as the master."""
    same_queue = queue_files(cluster, node) == queue_files(cluster, "node1")
    return same_queue and config_data(cluster, node) == config_data(cluster)


def queue_files(cluster: Cluster, node: str) -> dict[str, bytes]:
    """Exported files of the queue, by name."""
    queue = data_dir(cluster, node) / "queue"
    found = {}
    for path in queue.rglob("*"):
        # One that is being written has another name a moment later.
        with suppress(FileNotFoundError, IsADirectoryError):
            found[str(path.relative_to(queue))] = path.read_bytes()
    return found


def test_exports_follow_on_the_master_and_its_candidates() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        cluster.gnt("cluster", "add-tags", "exported")
        job = last_job(cluster)
        for node in cluster.nodes:
            wait_exported(partial(has_tag, cluster, node, "exported"), f"config.data on {node}")
            wait_exported(partial(has_file, cluster, node, f"job-{job}"), f"job-{job} on {node}")
        cluster.gnt("job", "archive", str(job))
        for node in cluster.nodes:
            archived = f"archive/0/job-{job}"
            wait_exported(partial(has_file, cluster, node, archived), f"{archived} on {node}")
            # It is where it was until it is where it goes: a reader finds it at any time.
            gone = partial(lacks_file, cluster, node, f"job-{job}")
            wait_exported(gone, f"job-{job} to leave {node}")
        # What a candidate missed while it was down comes once it is back.
        stop(cluster, "node2")
        cluster.gnt("cluster", "add-tags", "missed")
        cluster.start_daemons()
        for node in ("node2", "node3"):
            wait_for(partial(has_exports, cluster, node), CATCH_UP_S, f"exports on {node}")
