"""The network bridge of ./quickstart, and the guests' interfaces on it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tools.machine import SetupError

# Below a node's root: NAME/INDEX holds the name of the interface.
_RECORDED: Final = "var/run/ganeti/kvm-hypervisor/nic"


class Bridge:
    """A bridge of this machine.

    Args:
        name: its name.
        address: its own address, with the prefix length.
        run: runs a command; raises :class:`~tools.machine.SetupError` when it fails.
        sysfs: where the kernel shows interfaces.
        tun: the device that guests' interfaces are made with.
    """

    def __init__(
        self,
        name: str,
        address: str,
        run: Callable[[Sequence[str]], None],
        *,
        sysfs: Path = Path("/sys/class/net"),
        tun: Path = Path("/dev/net/tun"),
    ) -> None:
        self._name = name
        self._address = address
        self._run = run
        self._sysfs = sysfs
        self._tun = tun

    def exists(self) -> bool:
        """Whether it is there."""
        return (self._sysfs / self._name).exists()

    def make(self, roots: Iterable[Path]) -> bool:
        """Make it unless it is there; whether this machine lets us.

        Guests outlive a bridge that somebody removed: their interfaces join the new one.

        Args:
            roots: the root directories of the nodes whose guests use it.
        """
        if self.exists():
            return True
        commands = (
            ("ip", "link", "add", "name", self._name, "type", "bridge"),
            ("ip", "address", "add", self._address, "dev", self._name),
            ("ip", "link", "set", self._name, "up"),
        )
        try:
            self._tun.open("rb").close()
            for command in commands:
                self._run(command)
        except (OSError, SetupError):
            self.remove()
            return False
        for interface in recorded_interfaces(roots):
            self._attach(interface)
        return True

    def _attach(self, interface: str) -> None:
        """Put a guest's interface on the bridge, unless it has gone or is on another."""
        place = self._sysfs / interface
        if place.exists() and not (place / "master").exists():
            self._run(("ip", "link", "set", "dev", interface, "master", self._name))

    def remove(self) -> None:
        """Remove it and the guests' interfaces on it."""
        ports = self._sysfs / self._name / "brif"
        names = [port.name for port in ports.iterdir()] if ports.is_dir() else []
        for name in [*names, self._name] if self.exists() else []:
            # What cannot be removed, as it has gone meanwhile, is no reason to keep the rest.
            with suppress(SetupError):
                self._run(("ip", "link", "delete", name))


def recorded_interfaces(roots: Iterable[Path]) -> list[str]:
    """The interfaces that nodes recorded for their guests, in order of the files' names."""
    files = sorted(file for root in roots for file in (root / _RECORDED).glob("*/[0-9]*"))
    return [name for file in files if (name := file.read_text("utf-8").strip())]
