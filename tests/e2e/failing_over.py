"""Ends masters in all kinds of ways, lets another node take over, and looks for a second one."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.e2e.links import linked_cluster
from tests.e2e.load import ledger, traffic
from tests.e2e.test_replication import wait_equal
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster, wait_for

GONE_S = 60
TOLD_S = 60
SHORTEST_S, LONGEST_S = 0.5, 3.0

ComeBack = Callable[[], None]
"""What makes the old master's node be there again."""


def of_node(cluster: Cluster, node: str) -> list[int]:
    """Process ids of everything that works as ``node``."""
    mark = f"GANETI_ROOTDIR={cluster.root(node)}".encode()
    found = []
    for pid in cluster.processes():
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def masters(cluster: Cluster) -> list[str]:
    """Nodes on which a master daemon runs."""
    return [
        node
        for node in cluster.nodes
        if any(
            "ganeti-masterd" in cluster.processes().get(pid, "") for pid in of_node(cluster, node)
        )
    ]


def nothing(cluster: Cluster) -> ComeBack:
    """It works, and is stopped by the one that takes over."""
    return lambda: None


def kill_daemon(cluster: Cluster) -> ComeBack:
    """The master daemon is killed at the moment at which a job was acknowledged."""
    pid = cluster.pid("ganeti-masterd", MASTER)
    traffic.submit_one_more(cluster)
    os.kill(pid, signal.SIGKILL)
    return lambda: None


def cut_power(cluster: Cluster) -> ComeBack:
    """Everything on the master's node ends at once; later it boots."""
    pids = of_node(cluster, MASTER)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(pids) & set(cluster.processes()), 10, "the power to be off")
    return lambda: boot(cluster)


def boot(cluster: Cluster) -> None:
    """Start what belongs on the old master's node, by what it knows: that it is the master."""
    assert cluster.run(MASTER, "daemon-util", "start", "ganeti-noded").returncode == 0
    done = cluster.run(MASTER, "daemon-util", "start", "ganeti-masterd")
    assert done.returncode == 1, done.stderr
    assert "ends with code 11" in done.stderr


def freeze(cluster: Cluster) -> ComeBack:
    """The master's daemons stand still, and go on later as if nothing had been."""
    pids = [cluster.pid(name, MASTER) for name in ("ganeti-masterd", "ganeti-noded")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    def wake() -> None:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)

    return wake


WAYS = {"stopped": nothing, "killed": kill_daemon, "power": cut_power, "frozen": freeze}


def fail_over(cluster: Cluster, to: str, *, voting: bool = True) -> None:
    """Make ``to`` the master; it is where commands are given from now on."""
    words = [] if voting else ["--no-voting", "--yes-do-it"]
    cluster.gnt("cluster", "master-failover", *words, node=to)
    cluster.master = to
    # All that the command promises is so when it ends.
    assert cluster.gnt("cluster", "getmaster", node=to).stdout == f"{to}\n"
    cluster.gnt("cluster", "master-ping", node=to)


def check_one_master(cluster: Cluster) -> None:
    """Wait until everybody agrees on who it is, and no other one runs."""
    wait_for(lambda: masters(cluster) == [cluster.master], GONE_S, "other masters to end")

    def all_know() -> bool:
        said = {
            (cluster.root(node) / "var/lib/ganeti/ssconf_master_node").read_text().strip()
            for node in cluster.nodes
        }
        return said == {cluster.master}

    wait_for(all_know, TOLD_S, "all nodes to know the master")


def run_seed_with_cuts(seed: int) -> None:
    """Load on five nodes; links are cut, mended, and cut between the master and most others.

    A minority goes and comes back first, and nothing that was promised may depend on it. Then the
    master is left with a minority, goes on alone, and is replaced.
    """
    chance = random.Random(seed)
    with linked_cluster(size=5) as cluster:
        cluster.init(hypervisor="fake")
        ledger.install(cluster)
        cluster.add_nodes()
        others = cluster.nodes[1:]
        wait_equal(cluster, *others)
        chance.shuffle(others)
        count = chance.randrange(2)
        side, rest = others[:count], others[count:]
        with traffic.traffic(cluster, seed, rest):
            # The moments are what is random in this test; nothing depends on them.
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            cluster.cut(*chance.sample(others, 2))
            time.sleep(chance.uniform(0, 2 * LONGEST_S))
            cluster.join()
            time.sleep(chance.uniform(0, LONGEST_S))
            since = time.time()
            cluster.split([MASTER, *side], rest)
            time.sleep(chance.uniform(0, 3 * LONGEST_S))
            fail_over(cluster, chance.choice(rest))
            traffic.submit_one_more(cluster)
            time.sleep(chance.uniform(0, 2 * LONGEST_S))
            cluster.join()
            check_one_master(cluster)
            cut = traffic.Cut([MASTER, *side], since, time.time())
        print(len(side), traffic.check(cluster, former=[MASTER], cut=cut))


def run_seed(seed: int, *, size: int, way: str) -> None:
    """Load, the end of a master, failover, its return, look."""
    chance = random.Random(seed)
    with virtual_cluster(size=size) as cluster:
        cluster.init(hypervisor="fake")
        ledger.install(cluster)
        cluster.add_nodes()
        wait_equal(cluster, *cluster.nodes[1:])
        to = chance.choice(cluster.nodes[1:])
        with traffic.traffic(cluster, seed):
            # The moment is what is random in this test; nothing depends on it.
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            come_back = WAYS[way](cluster)
            fail_over(cluster, to, voting=size > 2 or way in ("stopped", "killed"))
            traffic.submit_one_more(cluster)
            come_back()
            # Clients of the old one try on; what it promised now would be missed below.
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
        check_one_master(cluster)
        print(way, size, traffic.check(cluster, former=[MASTER]))
