"""The demonstration's bridge: which commands make it, and which guests join it."""

from collections.abc import Sequence
from pathlib import Path

from tools.bridge import Bridge, recorded_interfaces
from tools.machine import SetupError

MADE = [
    ["ip", "link", "add", "name", "br", "type", "bridge"],
    ["ip", "address", "add", "192.0.2.1/24", "dev", "br"],
    ["ip", "link", "set", "br", "up"],
]


class Machine:
    """A directory of interfaces as the kernel shows it, and the commands that were run."""

    def __init__(self, place: Path, *present: str) -> None:
        self.sysfs = place / "net"
        self.tun = place / "tun"
        self.tun.touch()
        self.roots = [place / "node1", place / "node2"]
        self.commands: list[list[str]] = []
        self.refuses = ""
        for name in present:
            (self.sysfs / name).mkdir(parents=True)

    def run(self, command: Sequence[str]) -> None:
        self.commands.append(list(command))
        if self.refuses and self.refuses in command:
            raise SetupError("refused")

    def record(self, root: int, name: str, interface: str) -> None:
        """What a node writes when it starts a guest."""
        file = self.roots[root] / "var/run/ganeti/kvm-hypervisor/nic" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(interface)

    def bridge(self) -> Bridge:
        return Bridge("br", "192.0.2.1/24", self.run, sysfs=self.sysfs, tun=self.tun)


def test_a_bridge_that_is_there_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "br", "gt1")
    machine.record(0, "web1/0", "gt1")
    assert machine.bridge().make(machine.roots)
    assert machine.commands == []


def test_running_guests_join_a_new_bridge(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "gt1", "gt2", "gt3/master")
    for root, file, name in (
        (1, "web1/0", "gt1\n"),
        (0, "web2/1", "gt2"),
        (0, "web3/0", "gt3"),
        (0, "gone/0", "gt4"),
        (0, "none/0", ""),
    ):
        machine.record(root, file, name)
    assert recorded_interfaces(machine.roots) == ["gt4", "gt2", "gt3", "gt1"]
    assert machine.bridge().make(machine.roots)
    joined = [["ip", "link", "set", "dev", name, "master", "br"] for name in ("gt2", "gt1")]
    assert machine.commands == MADE + joined


def test_a_machine_that_lets_us_make_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.refuses = "add"
    assert not machine.bridge().make(machine.roots)
    assert machine.commands == MADE[:1]


def test_a_machine_without_tun_gets_no_bridge(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.tun.unlink()
    assert not machine.bridge().make(machine.roots)
    assert machine.commands == []


def test_removal_takes_the_guests_interfaces_along(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "br/brif/gt1")
    machine.refuses = "gt1"
    machine.bridge().remove()
    assert machine.commands == [["ip", "link", "delete", "gt1"], ["ip", "link", "delete", "br"]]
