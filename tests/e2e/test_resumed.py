"""``kill -9`` of masterd while a job waits for a node: the next masterd goes on, nothing twice."""

from pathlib import Path

from tests.e2e.test_kill import NODE, SLOW_OS, check_whole, job_status, submit
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for


def counting_os(tmp: Path) -> Path:
    """An OS whose script says that it ran, in a file outside all daemons, and takes its time."""
    definition = tmp / SLOW_OS.name
    definition.mkdir()
    for part in SLOW_OS.iterdir():
        (definition / part.name).symlink_to(part)
    create = definition / "create"
    create.unlink()
    create.write_text(
        "#!/bin/sh\n"
        f'echo run >> "{tmp}/runs"\n'
        f'until [ -e "{tmp}/go" ]; do sleep 0.1; done\n'
        f'exec "{SLOW_OS}/create"\n'
    )
    create.chmod(0o755)
    return definition


def restart(cluster: Cluster) -> None:
    cluster.kill9("ganeti-masterd")
    cluster.start_daemons()


def test_an_installation_outlives_its_master(tmp_path: Path) -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_os(counting_os(tmp_path))
        cluster.add_nodes()
        job = submit(cluster, "web1.example.com", None)
        wait_for((tmp_path / "runs").exists, 60, "the script to run")
        for _ in range(2):
            restart(cluster)
            assert job_status(cluster, job) == "running"
        (tmp_path / "go").touch()
        wait_for(lambda: job_status(cluster, job) != "running", 60, "the job to end")
        assert job_status(cluster, job) == "success"
        assert (tmp_path / "runs").read_text() == "run\n"
        check_whole(cluster, "web1.example.com", started=False)
        assert f"still waiting for {NODE}" in cluster.gnt("job", "info", job).stdout


def test_a_wait_on_a_node_outlives_its_master() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        said = cluster.gnt("debug", "delay", "--submit", "--no-master", "-n", NODE, "8")
        job = said.stdout.strip().rpartition(" ")[2]
        wait_for(lambda: job_status(cluster, job) == "running", 30, "the job to run")
        restart(cluster)
        wait_for(lambda: job_status(cluster, job) != "running", 60, "the job to end")
        assert job_status(cluster, job) == "success"
