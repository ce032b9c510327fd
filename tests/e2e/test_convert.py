"""Conversions of disks in a virtual cluster: real daemons and files."""

from pathlib import Path

from tests.e2e.test_kill import job_status
from tests.e2e.test_move import NAME, filling
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

SIZE = 640 << 20


def test_a_conversion_whose_daemons_are_killed_is_undone_or_done(tmp_path: Path) -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init(hypervisor="fake", templates="file,sharedfile")
        cluster.add_os(filling(tmp_path))
        words = ("-t", "file", "--disk", f"0:size={SIZE >> 20}m", "-o", "filling", "-n", "node1")
        cluster.gnt("instance", "add", *words, "--ignore-ipolicy", "--no-start", "--no-nics", NAME)
        content = only_image(cluster, "/file-storage").read_bytes()

        modify = ("modify", "--ignore-ipolicy", "-t", "sharedfile", NAME)
        said = cluster.gnt("instance", modify[0], "--submit", *modify[1:])
        job = said.stderr.strip().rpartition(" ")[2]
        wait_for(lambda: len(cluster.images()) == 2, 60, "the new disk")
        for daemon in ("ganeti-masterd", "ganeti-noded"):
            cluster.kill9(daemon, "node1")
        cluster.start_daemons()
        wait_for(lambda: job_status(cluster, job) not in ("running", "waiting"), 120, "its end")
        wait_for(lambda: len(cluster.images()) == 1, 90, "the rest to go")
        done = job_status(cluster, job) == "success"
        found = only_image(cluster, "/shared-file-storage" if done else "/file-storage")
        assert found.read_bytes() == content
        assert cluster.gnt("cluster", "verify").returncode == 0

        if done:
            cluster.gnt("instance", "modify", "--ignore-ipolicy", "-t", "file", NAME)
        cluster.gnt("instance", *modify)
        assert only_image(cluster, "/shared-file-storage").read_bytes() == content
        cluster.gnt("instance", "modify", "--ignore-ipolicy", "-t", "file", NAME)
        image = only_image(cluster, "/file-storage")
        assert image.read_bytes() == content
        assert image.stat().st_blocks * 512 < SIZE // 8
        assert cluster.gnt("cluster", "verify").returncode == 0


def only_image(cluster: Cluster, kind: str) -> Path:
    """The only disk there is, which is of this kind."""
    (found,) = cluster.images()
    assert kind in found
    return cluster.base / found
