"""DRBD devices of two real kernels: each action twice, a cut cable, two writers, a lost node."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.lab.conftest import Nodes
from tools.lab.nodes import LabError, Node
from tools.lab.project import TESTS

SYNC_S: Final = 120.0
State = dict[str, Any]  # Any: numbers and words of one device


class Pair:
    """Two nodes with the volumes of one device."""

    def __init__(self, one: Node, two: Node) -> None:
        self._peers = {one: two, two: one}
        for node in (one, two):
            node.install_tests()
            node.run("modprobe drbd && pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
            node.run("lvcreate -y -n d0 -L 64m xenvg && lvcreate -y -n m0 -L 128m xenvg")

    def do(self, node: Node, *actions: str) -> State:
        """Do each action twice: all may be repeated. The state afterwards."""
        ends = f"{node.secondary} {self._peers[node].secondary}"
        tool = f"cd {TESTS} && python3 -m tests.lab.drbd_tool"
        for action in actions:
            for _ in range(1 if action in ("declare-good", "state") else 2):
                said = node.run(f"{tool} {action} {ends}")
        found: State = json.loads(said)
        return found

    def wait(self, node: Node, wanted: Callable[[State], bool]) -> State:
        """Until the device of ``node`` is as wanted."""
        end = time.monotonic() + SYNC_S
        while not wanted(found := self.do(node, "state")):
            assert time.monotonic() < end, found
        return found


def good(state: State) -> bool:
    """Whether both disks are the same and connected."""
    both = (state["disk"], state["peer_disk"]) == ("UpToDate", "UpToDate")
    return bool(both and state["connection"] == "Connected")


def checksum(node: Node) -> str:
    return node.run("sha256sum /dev/xenvg/d0 | cut -d' ' -f1")


def test_a_device_of_two_nodes(nodes: Nodes) -> None:
    one, two = nodes(2)
    pair = Pair(one, two)
    for node in (one, two):
        pair.do(node, "make", "attach", "assemble")
    pair.do(one, "declare-good", "open")
    pair.wait(one, good)
    one.run("dd if=/dev/urandom of=/dev/drbd0 bs=1M count=60 oflag=direct")

    with pytest.raises(LabError, match="Multiple primaries not allowed"):
        pair.do(two, "open")
    pair.do(one, "open-both")
    assert pair.do(two, "open-both")["peer_role"] == "Primary"
    pair.do(two, "close")
    pair.do(one, "open")
    with pytest.raises(LabError, match="Multiple primaries not allowed"):
        pair.do(two, "open")

    two.cut_link("repl")
    cut = pair.wait(one, lambda state: state["connection"] != "Connected")
    assert (cut["role"], cut["disk"]) == ("Primary", "UpToDate")
    one.run("dd if=/dev/urandom of=/dev/drbd0 bs=1M count=8 seek=4 oflag=direct")
    two.join_link("repl")
    pair.wait(one, good)
    pair.do(one, "close")
    assert checksum(one) == checksum(two)

    pair.do(one, "open")
    one.run("echo last words | dd of=/dev/drbd0 bs=512 count=1 conv=sync oflag=direct")
    one.cut_power()
    pair.wait(two, lambda state: state["connection"] != "Connected")
    pair.do(two, "open")
    assert two.run("head -c 10 /dev/drbd0") == "last words"

    pair.do(two, "close", "disconnect", "down")
    assert pair.do(two, "state") is None
