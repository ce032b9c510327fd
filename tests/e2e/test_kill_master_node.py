"""The master's node dies for good under load: a candidate's copy has all that was acknowledged.

The copy is made the state of a new master as a failover does it: the configuration names the
candidate, and the daemon is started there without a vote.
"""

import os
import random
import signal
import time

import msgspec
import pytest

from pyganeti.kit.paths import Paths
from pyganeti.master.config import config_writes, load_view
from pyganeti.model.change import Change
from pyganeti.store.interface import CONFIG_SERIAL, SEQ, Put, Table, Transaction
from pyganeti.store.sqlite import SqliteBackend
from tests.e2e.footprint import records
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


def newest_candidate(cluster: Cluster) -> str:
    """The candidate whose copy goes furthest; what is acknowledged each has that is not lost."""

    def seq(node: str) -> int:
        return int(records(cluster, node)["meta", "seq"])

    return max((node for node in cluster.nodes if node != MASTER), key=seq)


def make_master(cluster: Cluster, node: str) -> None:
    """Let the configuration on ``node`` name it the master, and the old one be offline."""
    assert cluster.run(node, "daemon-util", "stop-all").returncode == 0
    paths = Paths(str(cluster.root(node)), node)
    backend = SqliteBackend(paths.database)
    try:
        contents = backend.load()
        view = load_view(contents)
        new, old = view.node(node), view.node(MASTER)
        head = msgspec.structs.replace(view.cluster, master_node=new.uuid)
        gone = msgspec.structs.replace(old, offline=True, master_candidate=False)
        change = Change(puts=(head, gone))
        serial = Put(Table.META, CONFIG_SERIAL, str(view.serial + 1).encode())
        seq = int(contents[Table.META][SEQ]) + 1
        backend.apply(Transaction(seq, (*config_writes(change), serial)))
    finally:
        backend.close()
    ssconf = cluster.root(node) / "var/lib/ganeti/ssconf_master_node"
    ssconf.chmod(0o644)
    ssconf.write_text(f"{node}\n")


def start_master(cluster: Cluster, node: str) -> None:
    """Start the daemons of ``node``; there is no majority that knows of the new master."""
    defaults = cluster.root(node) / "etc/default/ganeti"
    defaults.parent.mkdir(parents=True, exist_ok=True)
    defaults.write_text('MASTERD_ARGS="--no-voting --yes-do-it"\n')
    for words in (("ganeti-masterd", "--keep-database"), ("daemon-util", "start-all")):
        done = cluster.run(node, *words)
        assert done.returncode == 0, done.stderr


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
        node = newest_candidate(cluster)
        make_master(cluster, node)
        start_master(cluster, node)
        cluster.master = node
        print(traffic.check(cluster, lost=[MASTER]))


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_candidate_goes_on_with_all_that_was_acknowledged(seed: int) -> None:
    run_seed(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4000, 4030))
def test_a_candidate_goes_on_with_all_that_was_acknowledged_soak(seed: int) -> None:
    run_seed(seed)
