"""Whichever daemons are killed at whatever moment of a migration: one copy of the guest runs, where
it is recorded, and has lost nothing.

    random victims at random moments -> daemons started again -> what is left is settled -> checks
"""

import random
import time

import pytest

from tests.e2e.test_migration import SLOW, WEB, Guest, cluster, guest, speed
from tests.e2e.vcluster import Cluster, wait_for

__all__ = ["cluster", "guest"]

# From the submission to some time after the guest arrived.
LONGEST_S = 12.0
# Leftovers are tried again every 30 s.
SETTLED_S = 120.0
ROUNDS = 4


def strike(cluster: Cluster, source: str, target: str, chance: random.Random) -> str:
    """Kill daemons; which."""
    noded, masterd = "ganeti-noded", "ganeti-masterd"
    victims = {
        "masterd": [(masterd, "node1")],
        "the source's noded": [(noded, source)],
        "the target's noded": [(noded, target)],
        "both nodeds": [(noded, source), (noded, target)],
        "all": [(masterd, "node1"), (noded, source), (noded, target)],
    }
    name = chance.choice(sorted(victims))
    for daemon, node in victims[name]:
        cluster.kill9(daemon, node)
    return name


def is_settled(cluster: Cluster) -> bool:
    """No job runs, and nothing is left to be undone."""
    running = cluster.gnt("job", "list", "--no-headers", "-o", "id", "--running", code=None)
    verified = cluster.gnt("cluster", "verify", code=None)
    return not running.stdout.strip() and verified.returncode == 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_one_copy_survives(cluster: Cluster, guest: Guest, seed: int) -> None:
    chance = random.Random(seed)
    speed(cluster, SLOW)
    node, other = "node1", "node2"
    for _ in range(ROUNDS):
        words = ("migrate", "-f", "--submit", "-n", other)
        cluster.gnt("instance", *words, WEB)
        time.sleep(chance.uniform(0, LONGEST_S))
        killed = strike(cluster, node, other, chance)
        time.sleep(chance.uniform(0, 2))
        cluster.start_daemons()
        wait_for(lambda: is_settled(cluster), SETTLED_S, f"the end of what came after {killed}")
        ((_, found),) = cluster.listed("instance", "name,pnode")
        print(f"seed {seed}: killed {killed}, now on {found}")
        guest.check_lives_on(found)
        if found == other:
            node, other = other, node
