"""What our commands cost beside the same done by hand, on two emulated machines with real DRBD.

    python -m benchmarks.lab [REPEATS]

By hand: ``lvcreate``, ``drbdadm``, the OS definition's own script and QEMU, typed by somebody who
makes no mistakes and never waits. Both ways take turns on the same machines; a figure is the
median of the ratios ours / by hand. Needs root and ``make lab``'s image.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

from tests.lab.drbd_cluster import DrbdCluster
from tests.lab.guest import Guest

from benchmarks.figure import Figure, line
from benchmarks.lab_hand import OneByHand
from tools.lab.image import is_made
from tools.lab.nodes import Node, bed

NAME: Final = "bench1.example.com"
ADDRESS: Final = "10.77.0.61"
SIZE: Final = "512m"
TARGET: Final = 1.1
REPEATS: Final = 3


class OneByUs:
    """The same instance, by our commands."""

    def __init__(self, cluster: DrbdCluster) -> None:
        self._cluster = cluster
        self.guest = Guest(NAME)
        self.address = ADDRESS

    def create(self) -> None:
        """Make and start it, in sync."""
        pair = ":".join(self._cluster.full_name(node) for node in self._cluster.nodes)
        self._cluster.gnt(
            "instance", "add", "-t", "drbd", "--disk", f"0:size={SIZE}", "-B", "memory=128m",
            "--ignore-ipolicy", "--net", f"0:ip={ADDRESS}", "-o", "micro+default", "-n", pair, NAME,
        )  # fmt: skip

    def fail_over(self) -> None:
        """Stop it here and start it there."""
        self._cluster.gnt("instance", "failover", "-f", NAME)

    def migrate(self) -> None:
        """Move it while it runs."""
        self._cluster.gnt("instance", "migrate", "-f", NAME)

    def remove(self) -> None:
        """Leave nothing."""
        self._cluster.gnt("instance", "remove", "-f", NAME)


Way = OneByUs | OneByHand


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def longest_silence(node: Node, way: Way, work: Callable[[], object]) -> float:
    """Seconds for which the guest answered no ping while ``work`` was done."""
    node.run(f"ping -D -i 0.02 {way.address} > /tmp/ping 2>&1 & echo $! > /tmp/ping.pid")
    work()
    node.run("sleep 1; kill -INT $(cat /tmp/ping.pid)")
    rows = [row for row in node.run("cat /tmp/ping").splitlines() if "bytes from" in row]
    stamps = [float(row[1 : row.index("]")]) for row in rows]
    return max(late - early for early, late in itertools.pairwise(stamps))


def throughput(node: Node, way: Way) -> float:
    """Seconds for 64 MiB written to the guest's disk, by the guest's clock."""
    ask = "\ndd if=/dev/zero of=/big bs=1M count=64 conv=fsync; rm /big; sync\n"
    said = way.guest.talk(node, ask, r"copied, [0-9.]+ seconds")
    return float(said.split()[1])


def one_life(way: Way, one: Node, two: Node) -> dict[str, float]:
    """Seconds of each thing, of one instance."""
    found: dict[str, float] = {}

    def created() -> None:
        way.create()
        way.guest.is_up(one)

    def failed_over() -> None:
        way.fail_over()
        way.guest.is_up(two)

    found["creation"] = timed(created)
    found["write 64 MiB"] = throughput(one, way)
    found["failover"] = timed(failed_over)
    found["migration downtime"] = longest_silence(one, way, way.migrate)
    way.remove()
    return found


def main() -> int:
    """Entry point; 1 if a target is missed."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    if not is_made():
        print("there is no image of lab nodes: run 'make lab' first", file=sys.stderr)
        return 1
    samples: dict[str, list[float]] = {}
    hand: dict[str, list[float]] = {}
    with bed("pyganeti-bench") as made:
        one, two = made.restore(2)
        for node in (one, two):
            node.install()
        cluster = DrbdCluster([one, two])
        cluster.begin()
        ways: tuple[Way, Way] = (OneByHand(one, two), OneByUs(cluster))
        for _ in range(repeats):
            by_hand, ours = (one_life(way, one, two) for way in ways)
            for name, seconds in ours.items():
                samples.setdefault(name, []).append(seconds / by_hand[name])
                hand.setdefault(name, []).append(by_hand[name])
    figures = []
    for name, ratios in samples.items():
        note = f"by hand {statistics.median(hand[name]):.3g} s"
        figures.append(Figure(f"{name}, ours / by hand", "", TARGET, ratios, note=note))
    for figure in figures:
        print(line(figure), flush=True)
    return 0 if all(figure.is_held for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
