"""What our commands cost beside the same done by hand, on two emulated machines with real DRBD.

    python -m benchmarks.lab [REPEATS]

By hand: ``lvcreate``, ``drbdadm``, the OS definition's own script and QEMU, typed by somebody who
makes no mistakes and never waits. Both ways take turns on the same machines; a figure is the
median of the ratios ours / by hand, kept in ``lab-results.json``. Needs root and ``make lab``'s
image.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.lab.cluster import GUEST_S
from tests.lab.drbd_cluster import DrbdCluster
from tests.lab.guest import Guest

from benchmarks.figure import Figure, line
from benchmarks.lab_hand import OneByHand
from benchmarks.recording import machine, record
from tools.lab.image import is_made
from tools.lab.nodes import Node, bed

NAME: Final = "bench1.example.com"
ADDRESS: Final = "10.77.0.61"
MAC: Final = "52:54:00:99:00:02"
SIZE: Final = "512m"
TARGET: Final = 1.1
REPEATS: Final = 3
RESULTS: Final = Path(__file__).with_name("lab-results.json")


class OneByUs:
    """The same instance, by our commands."""

    def __init__(self, cluster: DrbdCluster) -> None:
        self._cluster = cluster
        self.guest = Guest(NAME)
        self.address = ADDRESS
        self.mac = MAC

    def create(self) -> None:
        """Make and start it, in sync."""
        pair = ":".join(self._cluster.full_name(node) for node in self._cluster.nodes)
        nic = f"0:ip={ADDRESS},mac={MAC}"
        self._cluster.gnt(
            "instance", "add", "-t", "drbd", "--disk", f"0:size={SIZE}", "-B", "memory=128m",
            "--ignore-ipolicy", "--net", nic, "-o", "micro+default", "-n", pair, NAME,
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
Seconds = dict[str, float]


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def wait_until_up(node: Node, way: Way) -> None:
    """Until the guest answers pings from ``node``, to a tenth of a second."""
    # Who asks for an unknown address waits a second between two questions.
    node.run(f"ip neigh replace {way.address} lladdr {way.mac} dev br0")
    node.run(f"ping -i 0.1 -w {GUEST_S:.0f} {way.address} | grep -q -m 1 'bytes from'")


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
    ask = (
        "\nread began rest < /proc/uptime; dd if=/dev/zero of=/big bs=1M count=64 conv=fsync;"
        " read ended rest < /proc/uptime; rm /big; sync; echo to''ok $began $ended.\n"
    )
    said = way.guest.talk(node, ask, r"took [0-9.]+ [0-9.]+\.\s")
    began, ended = said.rstrip(".\r\n").split()[1:]
    return float(ended) - float(began)


def one_life(way: Way, one: Node, two: Node) -> Seconds:
    """Seconds of each thing, of one instance."""
    found: Seconds = {}

    def created() -> None:
        way.create()
        wait_until_up(two, way)

    def failed_over() -> None:
        way.fail_over()
        wait_until_up(two, way)

    found["creation"] = timed(created)
    found["write 64 MiB"] = throughput(one, way)
    found["failover"] = timed(failed_over)
    found["migration downtime"] = longest_silence(one, way, way.migrate)
    way.remove()
    return found


def figures_of(ours: Sequence[Seconds], by_hand: Sequence[Seconds]) -> list[Figure]:
    """A figure for each thing: the ratios, and seconds of both ways in the note."""
    made = []
    for name in ours[0]:
        mine, theirs = ([life[name] for life in lives] for lives in (ours, by_hand))
        ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
        medians = (statistics.median(mine), statistics.median(theirs))
        note = "{:.3g} s, by hand {:.3g} s".format(*medians)
        made.append(Figure(f"{name}, ours / by hand", "", TARGET, ratios, note=note))
    return made


def main() -> int:
    """Entry point; 1 if a target is missed."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    if not is_made():
        print("there is no image of lab nodes: run 'make lab' first", file=sys.stderr)
        return 1
    header = machine()
    ours, by_hand = list[Seconds](), list[Seconds]()
    with bed("pyganeti-bench") as made:
        one, two = made.restore(2)
        for node in (one, two):
            node.install()
        cluster = DrbdCluster([one, two])
        cluster.begin()
        typed, commanded = OneByHand(one, two), OneByUs(cluster)
        for _ in range(repeats):
            by_hand.append(one_life(typed, one, two))
            ours.append(one_life(commanded, one, two))
    figures = figures_of(ours, by_hand)
    for figure in figures:
        print(line(figure), flush=True)
    record(RESULTS, header, figures)
    return 0 if all(figure.is_held for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
