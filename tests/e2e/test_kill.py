"""``kill -9`` of daemons at random moments of an instance's creation: nothing is left behind.

Five seeds in the ordinary run, fifty more under the ``soak`` marker; a test's name has its seed.
"""

import random
import subprocess
import time

import pytest

from tests.e2e.footprint import Footprint, config_data, footprint, objects
from tests.e2e.vcluster import BOOT_S, Cluster, bridge, virtual_cluster, wait_for
from tools.machine import CHECKOUT

SLOW_OS = CHECKOUT / "tests/e2e/os/slow"
NODE = "node2"
# An undisturbed creation takes about three seconds with a guest; a later kill hits a finished job.
LATEST_S = 4.0
# Undo actions whose node did not answer are tried again, every half minute in the end.
CLEAN_S = 100
VICTIMS = {
    "masterd": (("ganeti-masterd", "node1"),),
    "noded": (("ganeti-noded", NODE),),
    "both": (("ganeti-noded", NODE), ("ganeti-masterd", "node1")),
}
FINAL = ("success", "error")


def submit(cluster: Cluster, name: str, bridge_name: str | None) -> str:
    """Submit the creation of an instance, started if it has a bridge; the job's id."""
    words = ["-t", "file", "--disk", "0:size=64m", "-o", "slow", "-n", NODE, "-B", "memory=128m"]
    words += ["--ignore-ipolicy", "--submit"]
    if bridge_name is None:
        words += ["--no-nics", "--no-start"]
    else:
        words += ["--net", f"0:mode=bridged,link={bridge_name}"]
    said = cluster.gnt("instance", "add", *words, name).stderr
    return said.strip().rpartition(" ")[2]


def job_status(cluster: Cluster, job: str) -> str:
    """Status of a job; empty while the master does not answer."""
    words = ("list", "--no-headers", "-o", "status", job)
    return cluster.gnt("job", *words, code=None).stdout.strip()


def is_verified(cluster: Cluster) -> bool:
    """Whether ``gnt-cluster verify`` finds nothing, not even something left to be undone."""
    done = cluster.gnt("cluster", "verify", code=None)
    return done.returncode == 0 and "undone" not in done.stdout + done.stderr


def check_whole(cluster: Cluster, name: str, *, started: bool) -> None:
    """The job was a success, so the instance must be complete."""
    status = "running" if started else "ADMIN_down"
    assert cluster.listed("instance", "name,pnode,status") == [[name, NODE, status]]
    (image,) = cluster.images()
    assert (cluster.base / image).stat().st_size == 64 << 20
    shown = ["/sbin/debugfs", "-R", "cat /etc/micro.conf", str(cluster.base / image)]
    conf = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert f"instance={name}\n" in conf
    if started:
        cluster.console(NODE, name, rf"micro: {name} is up", ask=b"\nmicro\n")


def check_clean(cluster: Cluster, before: Footprint, known: set[str]) -> None:
    """Nothing but what was there before; undoing may still be under way."""

    def is_clean() -> bool:
        return footprint(cluster) == before and set(objects(cluster)) == known

    try:
        wait_for(is_clean, CLEAN_S, "everything to be undone")
    except AssertionError:
        assert footprint(cluster) == before
        assert set(objects(cluster)) == known
    wait_for(lambda: is_verified(cluster), CLEAN_S, "verify to be clean")

    def is_exported() -> bool:
        config = config_data(cluster)
        return not config["instances"] and not config["disks"]

    wait_for(is_exported, 30, "config.data to show what is")


def kill_while_creating(
    cluster: Cluster, rng: random.Random, victims: str, bridge_name: str | None, name: str
) -> str:
    """Create an instance, kill ``victims`` meanwhile, restart them, check; how the job ended."""
    before, known = footprint(cluster), set(objects(cluster))
    job = submit(cluster, name, bridge_name)
    moment = rng.uniform(0, LATEST_S)
    # The moment is what is random in this test; nothing depends on it.
    time.sleep(moment)
    for daemon, node in rng.sample(VICTIMS[victims], len(VICTIMS[victims])):
        cluster.kill9(daemon, node)
    time.sleep(rng.choice([0.0, 1.0]))
    cluster.start_daemons()
    wait_for(lambda: job_status(cluster, job) in FINAL, 120, f"job {job} to end")
    status = job_status(cluster, job)
    print(f"{victims} killed after {moment:.2f} s: {status}")
    if status == "success":
        check_whole(cluster, name, started=bridge_name is not None)
        assert is_verified(cluster)
        cluster.gnt("instance", "remove", "--force", "--shutdown-timeout=0", name)
    check_clean(cluster, before, known)
    return status


def run_seed(seed: int) -> None:
    """All victims, one after another, on a cluster of their own."""
    rng = random.Random(seed)
    with virtual_cluster() as cluster, bridge() as bridge_name:
        cluster.init()
        cluster.add_os(SLOW_OS)
        cluster.add_nodes()
        for number, victims in enumerate(rng.sample(sorted(VICTIMS), len(VICTIMS))):
            with_guest = (number + seed) % 2 == 0
            name = f"web{number}.example.com"
            kill_while_creating(cluster, rng, victims, bridge_name if with_guest else None, name)
        # The cluster is as good as new.
        job = submit(cluster, "last.example.com", None)
        wait_for(lambda: job_status(cluster, job) in FINAL, BOOT_S, f"job {job} to end")
        check_whole(cluster, "last.example.com", started=False)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_killed_creation_leaves_nothing(seed: int) -> None:
    run_seed(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1050))
def test_a_killed_creation_leaves_nothing_soak(seed: int) -> None:
    run_seed(seed)
