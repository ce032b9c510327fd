"""Cut the power of nodes under load: no acknowledged job is lost, and none runs twice.

What a node's daemons wrote below ``/var/lib/ganeti`` and had not synced is dropped or, with odd
seeds, reaches the disk in random sectors; what lies on memory file systems is gone.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.footprint import data_dir
from tests.e2e.load import ledger, traffic
from tests.e2e.powercut.disk import Disk
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster, wait_for

CUTS = 3
SHORTEST_S, LONGEST_S = 0.5, 2.5


def disk_of(cluster: Cluster, node: str, shim: Path) -> Disk:
    """The disk with a node's state."""
    return Disk(data_dir(cluster, node), cluster.base / f"shadow-{node}", shim)


def processes_of(cluster: Cluster, nodes: Sequence[str]) -> list[int]:
    """The daemons of ``nodes``."""
    marks = {f"GANETI_ROOTDIR={cluster.root(node)}".encode() for node in nodes}
    found = []
    for pid in cluster.processes():
        with suppress(OSError):
            if marks & set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")):
                found.append(pid)
    return found


def switch_on(cluster: Cluster, disks: dict[str, Disk]) -> None:
    """Start the daemons; from now on it counts what they sync."""
    for node, disk in disks.items():
        disk.sync_all()
        cluster.variables[node] = disk.environ
    cluster.start_daemons()


def send(sig: signal.Signals, pids: set[int]) -> None:
    """Send ``sig`` to those of ``pids`` that still run."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sig)


def cut_power(
    cluster: Cluster, disks: dict[str, Disk], chance: random.Random, *, torn: bool
) -> None:
    """End the nodes of ``disks`` at one moment, and leave them what is on their disks.

    Half of the time it is the moment at which a job was acknowledged.
    """
    stopped: set[int] = set()
    pids = set(processes_of(cluster, list(disks)))
    if chance.random() < 0.5:
        traffic.submit_one_more(cluster)
    # None may notice that another has gone; what began or ended meanwhile counts too.
    while pids - stopped:
        send(signal.SIGSTOP, pids - stopped)
        stopped |= pids
        pids = set(processes_of(cluster, list(disks)))
    send(signal.SIGKILL, stopped)
    wait_for(lambda: not processes_of(cluster, list(disks)), 10, "the daemons to be gone")
    for node, disk in disks.items():
        disk.restore(chance if torn else None)
        shutil.rmtree(cluster.root(node) / "var/run/ganeti")


def run_seed(seed: int, shim: Path, *, everywhere: bool) -> None:
    """Load, cut, look."""
    chance = random.Random(seed)
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        ledger.install(cluster)
        cluster.add_nodes()
        cluster.stop_daemons()
        cut = cluster.nodes if everywhere else [MASTER]
        disks = {node: disk_of(cluster, node, shim) for node in cut}
        switch_on(cluster, disks)
        homes = [node for node in cluster.nodes if node != MASTER]
        with traffic.traffic(cluster, seed, homes):
            for _ in range(CUTS):
                # The moment is what is random in this test; nothing depends on it.
                time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
                cut_power(cluster, disks, chance, torn=seed % 2 == 1)
                switch_on(cluster, disks)
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
        print(traffic.check(cluster, rebooted=everywhere))


@pytest.mark.parametrize("seed", range(1, 4))
def test_nothing_acknowledged_is_lost_with_the_masters_power(seed: int, shim: Path) -> None:
    run_seed(seed, shim, everywhere=False)


@pytest.mark.parametrize("seed", range(4, 6))
def test_nothing_acknowledged_is_lost_when_all_nodes_go_down(seed: int, shim: Path) -> None:
    run_seed(seed, shim, everywhere=True)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3000, 3050))
def test_nothing_acknowledged_is_lost_soak(seed: int, shim: Path) -> None:
    run_seed(seed, shim, everywhere=seed % 4 > 1)
