"""A virtual cluster whose nodes have a network each, joined by a switch: links can be cut.

    switch -> a network for each node -> its programs run there -> cut, split, join

Other than the hosts of :mod:`tests.e2e.hosts` the nodes share this machine's files and processes,
so that the load, the ledger and the verdict of :mod:`tests.e2e.load` work on them.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.e2e.switch import NETDEV, Network, bare_rack, holder
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster, wait_for

NETWORK = "10.99.8"
LOOPBACK = "127.99.8"


@dataclass(frozen=True)
class Spot:
    """Where a node is plugged in: see :class:`tests.e2e.switch.Plugged`."""

    number: int
    init: int


class LinkedCluster(Cluster):
    """A virtual cluster whose links can be cut. Made by :func:`linked_cluster`."""

    switch: Network
    spots: dict[str, Spot]

    def inside(self, node: str | None) -> Sequence[str]:
        """See :class:`VirtualCluster`."""
        return () if node is None else ("nsenter", f"--target={self.spots[node].init}", "--net")

    def make(self, cluster_name: str) -> None:
        """See :class:`VirtualCluster`; the tool knows loopback addresses only."""
        apart, self.network = self.network, LOOPBACK
        super().make(cluster_name)
        self.network = apart
        for node in self.nodes:
            hosts = self.root(node) / "etc/hosts"
            hosts.write_text(hosts.read_text().replace(f"{LOOPBACK}.", f"{apart}."))

    def plug(self, switch: Network, stack: ExitStack) -> None:
        """Give each node its network; until they are members all are at home in the master's."""
        self.switch, self.spots = switch, {}
        for number, node in enumerate(self.nodes, 1):
            pid = stack.enter_context(holder("unshare", "--net", "sleep", "infinity"))
            self.spots[node] = Spot(number, pid)
            _wait_apart(pid)
            switch.plug(self.spots[node])
            self._ip(node, "link set lo up")
            self._ip(node, f"link set {NETDEV} up")
            self._ip(node, f"address add {self.address(node)}/24 dev {NETDEV}")
            if node != MASTER:
                self._ip(MASTER, f"address add {self.address(node)}/32 dev lo")

    def _ip(self, node: str, words: str) -> None:
        subprocess.run([*self.inside(node), "ip", *words.split()], check=True)

    def add_nodes(self) -> None:
        """Add every node but the master, which a virtual node starts beside itself; then part."""
        super().add_nodes()
        self.stop_daemons()
        for node in self.nodes[1:]:
            self._ip(MASTER, f"address del {self.address(node)}/32 dev lo")
        self.start_daemons()

    def split(self, *groups: Sequence[str]) -> None:
        """Let nodes reach those of their own group only."""
        self.switch.split(*([self.spots[node] for node in group] for group in groups))

    def cut(self, *nodes: str) -> None:
        """Cut the links of nodes."""
        self.switch.cut(*(self.spots[node] for node in nodes))

    def join(self) -> None:
        """Mend all links."""
        self.switch.join(*self.spots.values())


def _wait_apart(pid: int) -> None:
    """Wait until a process has a network of its own."""
    own = os.readlink("/proc/self/ns/net")
    wait_for(lambda: os.readlink(f"/proc/{pid}/ns/net") != own, 10, "a network")


@contextmanager
def linked_cluster(*, size: int) -> Iterator[LinkedCluster]:
    """A cluster's directory, its network, and the end of all of it."""
    with (
        ExitStack() as stack,
        virtual_cluster(size=size, kind=LinkedCluster, network=NETWORK) as cluster,
    ):
        assert isinstance(cluster, LinkedCluster)
        cluster.plug(stack.enter_context(bare_rack()), stack)
        yield cluster
