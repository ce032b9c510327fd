"""``kill -9`` of masterd while a job waits for a node: the next masterd goes on, nothing twice."""

import subprocess
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
        job = said.stderr.strip().rpartition(" ")[2]
        wait_for(lambda: job_status(cluster, job) == "running", 30, "the job to run")
        restart(cluster)
        wait_for(lambda: job_status(cluster, job) != "running", 60, "the job to end")
        assert job_status(cluster, job) == "success"


def delay(cluster: Cluster, seconds: str) -> subprocess.Popen[str]:
    """``gnt-debug delay`` under way on the master."""
    words = cluster.argv("gnt-debug", "delay", seconds)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, env=cluster.environ("node1"), text=True, stdout=pipe, stderr=pipe
    )


def test_a_stop_waits_for_what_runs_and_says_so() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init()
        with delay(cluster, "3") as command:
            wait_for(lambda: "running" in statuses(cluster), 30, "the job to run")
            stopped = cluster.run("node1", "daemon-util", "stop", "ganeti-masterd")
            assert stopped.returncode == 0
            assert "waiting up to 60 s for running jobs to end: " in stopped.stderr
            # Who waited for the job is told of its end all the same.
            assert command.wait(30) == 0
        cluster.start_daemons()
        assert "running" not in statuses(cluster)
        assert "error" not in statuses(cluster)


def test_a_stop_gives_up_in_time_and_says_what_is_left() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init()
        defaults = cluster.root("node1") / "etc/default/ganeti"
        defaults.parent.mkdir(parents=True, exist_ok=True)
        defaults.write_text('MASTERD_ARGS="--stop-timeout=1"\n')
        restart(cluster)
        with delay(cluster, "60") as command:
            wait_for(lambda: "running" in statuses(cluster), 30, "the job to run")
            stopped = cluster.run("node1", "daemon-util", "stop", "ganeti-masterd")
            assert stopped.returncode == 0
            assert "jobs that still run are left to the next start: " in stopped.stderr
            assert command.wait(30) == 1
        cluster.start_daemons()


def statuses(cluster: Cluster) -> list[str]:
    return [row[0] for row in cluster.listed("job", "status")]
