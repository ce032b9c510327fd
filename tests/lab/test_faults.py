"""Power cuts and killed daemons at random moments of what changes an instance.

Each seed makes one instance, migrates it, replaces its disks and removes it; at a random moment of
each a machine loses its power or a daemon is killed. Afterwards the cluster mends itself, or says
what is left, and the same command again does what was wanted.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import pytest

from tests.lab.drbd_cluster import SMALL, WEB1, DrbdCluster, whole
from tests.lab.guest import Guest
from tests.lab.test_life import BOOT
from tools.lab.nodes import Bed, Node

GUEST: Final = Guest(WEB1)
SEEDS: Final = range(5)
SOAK_SEEDS: Final = range(5, 35)
# About as long as each command takes when nothing is in its way.
LONGEST_S: Final = {"add": 25.0, "migrate": 10.0, "replace-disks": 20.0, "remove": 6.0}
IDLE_S: Final = 300.0


@dataclass(frozen=True)
class Fault:
    """What happens, to which machine, and when after the command was given."""

    kind: str
    node: Node
    after_s: float

    def __str__(self) -> str:
        return f"{self.kind} of {self.node.name} after {self.after_s:.1f} s"

    def happen(self) -> None:
        """Do it."""
        if self.kind == "power cut":
            self.node.cut_power()
        else:
            self.node.run(f"pkill -9 -f /{self.kind}", check=False)


class FaultyCluster(DrbdCluster):
    """Three machines: the first is the master, the others have the instance."""

    def command(self, verb: str, *words: str) -> str:
        """Give a command on the instance; what it prints, whatever comes of it."""
        quoted = " ".join(f"'{word}'" for word in (verb, *words, WEB1))
        return self.master.run(f"gnt-instance {quoted} 2>&1 || true", timeout_s=600)

    def disturbed(self, fault: Fault, verb: str, *words: str) -> str:
        """Give a command and let ``fault`` happen meanwhile; what the command prints."""
        with ThreadPoolExecutor(1) as pool:
            said = pool.submit(self.command, verb, *words)
            self.master.run(f"sleep {fault.after_s}")
            fault.happen()
            if fault.kind == "power cut":
                fault.node.power_on()
            return said.result()

    def watch(self, node: Node) -> None:
        """A round of a node's watcher, whatever comes of it."""
        node.run("ganeti-watcher || true", timeout_s=IDLE_S)

    def settle(self) -> None:
        """Until no job runs, and the watcher finds nothing that it cannot mend."""
        with ThreadPoolExecutor(2) as pool:
            others = [pool.submit(self.watch, node) for node in self.nodes[1:]]
            for other in others:
                other.result()
        self.master.run(
            # A master daemon that was killed is started by the watcher that runs there by itself.
            "for try in $(seq 60); do jobs=$(gnt-job list --no-headers -o status) &&"
            " ! echo \"$jobs\" | grep -qE 'queued|waiting|running|canceling' && exit 0;"
            " sleep 2; done; gnt-job list; exit 1",
            timeout_s=IDLE_S,
        )
        self.master.run(
            "for try in $(seq 10); do ganeti-watcher && exit 0; sleep 6; done;"
            " tail -n 40 /var/log/ganeti/watcher.log; gnt-cluster verify 2>&1; exit 1",
            timeout_s=2 * IDLE_S,
        )

    def exists(self) -> bool:
        """Whether the configuration has the instance."""
        return self.listed("instance", "name") == [[WEB1]]

    def running_on(self) -> Node:
        """Where its guest runs, by the machines themselves: in one place."""
        found = [node for node in self.nodes if node.run("pgrep -f '^/usr/bin/qemu.*web1' || true")]
        assert len(found) == 1, [node.name for node in found]
        return found[0]


def fault_for(rng: random.Random, cluster: FaultyCluster, verb: str) -> Fault:
    one, two, three = cluster.nodes
    kind, node = rng.choice(
        [
            ("power cut", two),
            ("power cut", three),
            ("ganeti-noded", two),
            ("ganeti-noded", three),
            ("ganeti-masterd", one),
        ]
    )
    return Fault(kind, node, rng.uniform(0, LONGEST_S[verb]))


def check_all_is_well(cluster: FaultyCluster) -> None:
    """The guest runs once, its lines are whole, and nothing is found to be wrong."""
    node = cluster.running_on()
    GUEST.is_up(node)
    cluster.wait(node, whole)
    cluster.gnt("cluster", "verify")


def live(cluster: FaultyCluster, rng: random.Random, say: Callable[[str], None]) -> None:
    pair = ":".join(cluster.full_name(node) for node in cluster.nodes[1:])
    add = ("-t", "drbd", "--disk", "0:size=64m", *SMALL, "-o", "micro+default", "-n", pair)
    for verb, words in (
        ("add", add),
        ("migrate", ("-f",)),
        ("replace-disks", (rng.choice(("-p", "-s")), "--ignore-ipolicy")),
        ("remove", ("-f",)),
    ):
        fault = fault_for(rng, cluster, verb)
        say(f"{verb}: {fault}")
        say(cluster.disturbed(fault, verb, *words))
        cluster.settle()
        if verb == "remove":
            break
        if verb != "add" or not cluster.exists():
            # Nothing disturbs it: it has ended well, or what is looked at next is not.
            say(cluster.command(verb, *words))
        check_all_is_well(cluster)
    if cluster.exists():
        cluster.gnt("instance", "remove", "-f", WEB1)
    for node in cluster.nodes[1:]:
        assert node.run("lvs --noheadings xenvg") == ""
        assert node.run("drbdsetup show") == ""
        assert node.run("pgrep -f '^/usr/bin/qemu.*web1' || true") == ""
    cluster.gnt("cluster", "verify")


def run_seed(lab: Bed, seed: int) -> None:
    cluster = FaultyCluster.formed(lab, 3)
    for node in cluster.nodes:
        node.put({"/etc/rc.boot": BOOT}, mode=0o755)
        node.run("/etc/rc.boot")
        # A machine that people use was not set up a moment ago.
        node.write_out()
    live(cluster, random.Random(seed), print)


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_at_random_moments(lab: Bed, seed: int) -> None:
    run_seed(lab, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_many_faults_at_random_moments(lab: Bed, seed: int) -> None:
    run_seed(lab, seed)
