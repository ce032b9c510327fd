"""``kill -9`` at random moments under load: no acknowledged job is lost, and none runs twice.

What jobs did is counted outside of the daemons (``load/ledger.py``). Five seeds in the ordinary
run, a hundred more under the ``soak`` marker; a test's name has its seed.
"""

import os
import random
import signal
import time

import pytest

from tests.e2e.load import ledger, traffic
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

KILLS = 5
# Between two kills: several jobs, at least the first steps of some.
SHORTEST_S, LONGEST_S = 0.3, 2.0


def kill_something(cluster: Cluster, chance: random.Random) -> str:
    """Kill the master daemon, now and then a node daemon with it; start them again.

    Half of the time at the moment at which a job was acknowledged.
    """
    victims = [("ganeti-masterd", "node1")]
    if chance.random() < 0.4:
        victims.append(("ganeti-noded", chance.choice(cluster.nodes)))
    chance.shuffle(victims)
    pids = [cluster.pid(daemon, node) for daemon, node in victims]
    if chance.random() < 0.5:
        traffic.submit_one_more(cluster)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(pids) & set(cluster.processes()), 10, "those killed to be gone")
    time.sleep(chance.choice([0.0, 0.5]))
    cluster.start_daemons()
    return "+".join(f"{daemon} on {node}" for daemon, node in victims)


def run_seed(seed: int) -> None:
    """Load, kill, look."""
    chance = random.Random(seed)
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        ledger.install(cluster)
        cluster.add_nodes()
        with traffic.traffic(cluster, seed):
            for _ in range(KILLS):
                # The moment is what is random in this test; nothing depends on it.
                time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
                print("killed", kill_something(cluster, chance))
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            with traffic.luxi(cluster) as client:
                client.auto_archive_jobs(-1, 10)
        print(traffic.check(cluster))


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_acknowledged_job_is_lost_and_none_runs_twice(seed: int) -> None:
    run_seed(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2000, 2100))
def test_no_acknowledged_job_is_lost_and_none_runs_twice_soak(seed: int) -> None:
    run_seed(seed)
