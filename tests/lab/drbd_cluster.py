"""A cluster of lab nodes with volume groups, DRBD and a replication network."""

import json
import time
from collections.abc import Callable
from typing import Any, Final, Self

from tests.lab.cluster import LabCluster
from tools.lab import project
from tools.lab.nodes import Bed, Node
from tools.lab.project import TESTS

WEB1 = "web1.example.com"
SMALL = ("-B", "memory=128m", "--ignore-ipolicy")
SYNC_S: Final = 240.0
MIB: Final = 1024 * 1024
# A peer that is gone is noticed soon.
QUICK: Final = "--ping-int=2 --connect-int=1 --timeout=10 --ping-timeout=5"
State = dict[str, Any]  # Any: numbers and words of a device


class DrbdCluster(LabCluster):
    """Machines with volume groups and a replication network."""

    @classmethod
    def formed(cls, bed: Bed, count: int) -> Self:
        """A cluster of fresh machines that was just made, without options of its own."""

        def make(nodes: list[Node]) -> None:
            for node in nodes:
                node.install()
            cls(nodes).begin()

        return cls(bed.restore_as(f"drbd{count}", count, project.digest(), make))

    def begin(self, *options: str) -> None:
        """Make the cluster, with these options of ``gnt-cluster init``."""
        for node in self.nodes:
            node.install_tests()
            node.run("modprobe drbd && pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
        self.init(*options, templates="drbd,plain", secondaries=True)
        self.gnt("cluster", "modify", "-D", f"drbd:net-custom={QUICK}")

    def state(self, node: Node) -> State:
        """The only device of ``node``."""
        said = node.run(f"cd {TESTS} && python3 -m tests.lab.drbd_states")
        (found,) = json.loads(said)
        state: State = found
        return state

    def wait(self, node: Node, wanted: Callable[[State], bool]) -> State:
        """Until the device of ``node`` is as wanted."""
        end = time.monotonic() + SYNC_S
        while not wanted(found := self.state(node)):
            assert time.monotonic() < end, found
        return found

    def info(self) -> str:
        """What ``gnt-instance info`` prints."""
        return self.gnt("instance", "info", WEB1)


def whole(state: State) -> bool:
    return bool((state["disk"], state["peer_disk"]) == ("UpToDate", "UpToDate"))
