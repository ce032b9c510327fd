"""The master's node dies for good under load: any candidate goes on with all that was promised."""

import os
import random
import signal
import time

import pytest

from tests.e2e.failing_over import fail_over
from tests.e2e.load import ledger, traffic
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster, wait_for

SHORTEST_S, LONGEST_S = 2.0, 5.0


def end_node(cluster: Cluster, node: str) -> None:
    """Kill a node's daemons at the moment at which a job was acknowledged."""
    pids = [cluster.pid(daemon, node) for daemon in ("ganeti-masterd", "ganeti-noded")]
    traffic.submit_one_more(cluster)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(pids) & set(cluster.processes()), 10, "the master to be gone")


def run_seed(seed: int) -> None:
    """Load, the end of a node, failover, look."""
    chance = random.Random(seed)
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        ledger.install(cluster)
        cluster.add_nodes()
        homes = cluster.nodes[1:]
        with traffic.traffic(cluster, seed, homes):
            # The moment is what is random in this test; nothing depends on it.
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            end_node(cluster, MASTER)
        # Not the one with the newest copy, but any: it is brought there.
        fail_over(cluster, chance.choice(homes))
        cluster.gnt("node", "modify", "--offline=yes", MASTER)
        print(traffic.check(cluster, lost=[MASTER]))


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_candidate_goes_on_with_all_that_was_acknowledged(seed: int) -> None:
    run_seed(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4000, 4030))
def test_a_candidate_goes_on_with_all_that_was_acknowledged_soak(seed: int) -> None:
    run_seed(seed)
