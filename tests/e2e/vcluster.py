"""A virtual cluster for one test: real daemons, real commands, real guests.

    fixture -> make -> init -> node add ... -> test -> every process ended, leftovers counted

The programs are those of the environment that runs the tests. Each cluster has a directory with a
short name (sockets) and a loopback network of its own, so that runs can go side by side.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from re import Match
from typing import Final

from tests.e2e.prepare import BOOT
from tools.interrupt import uninterrupted
from tools.machine import CHECKOUT
from tools.virtual import VirtualCluster, wait_console

NAME: Final = "cluster.example.com"
MASTER: Final = "node1"
# Five times what an idle machine takes under software emulation.
BOOT_S: Final = 90
BINDIR: Final = Path(sys.executable).parent

KVM_PARAMETERS: Final = ",".join(
    [
        "kvm:kvm_path=/usr/bin/qemu-system-x86_64",
        f"kernel_path={BOOT / 'vmlinuz'}",
        f"initrd_path={BOOT / 'initrd'}",
        "root_path=/dev/vda",
    ]
)


def micro(node: str) -> tuple[str, ...]:
    """Options of ``gnt-instance add`` for a micro guest on ``node``; the NIC is the caller's."""
    return (
        "-t", "file", "--disk", "0:size=1g", "-o", "micro+default", "-n", node,
        "-B", "memory=128m",
    )  # fmt: skip


class Cluster(VirtualCluster):
    """What tests do with a cluster. Made by :func:`virtual_cluster`."""

    def __init__(
        self, base: Path, bindir: Path, *, network: str, size: int, wrapper: Sequence[str] = ()
    ) -> None:
        super().__init__(base, bindir, network=network, size=size, wrapper=wrapper)
        self.variables: dict[str, dict[str, str]] = {}
        """By node, what else its programs get in their environment."""
        self.master = MASTER
        """Where commands are given."""

    def environ(self, node: str | None) -> dict[str, str]:
        """See :class:`VirtualCluster`."""
        return {**super().environ(node), **self.variables.get(node or "", {})}

    def init(
        self, *options: str, hypervisor: str = "kvm", templates: str = "file,diskless"
    ) -> None:
        """Make the nodes and initialize the cluster on the first."""
        self.make(NAME)
        self.add_os(CHECKOUT / "os" / "micro")
        words = ["--no-ssh-init", "--no-etc-hosts", "--master-netdev=lo"]
        words += [f"--enabled-hypervisors={hypervisor}", f"--enabled-disk-templates={templates}"]
        if "kvm" in hypervisor:
            words += ["-H", KVM_PARAMETERS]
        self.gnt("cluster", "init", *words, *options, NAME)

    def add_nodes(self) -> None:
        """Add every node but the master."""
        for node in self.nodes[1:]:
            self.gnt("node", "add", "--no-ssh-key-check", node)

    def init_sharing(self, *options: str, templates: str = "sharedfile,diskless") -> None:
        """As :meth:`init`, with all nodes, which see the same shared files."""
        self.init(*options, templates=templates)
        self.add_nodes()
        places = (self.root(node) / "srv/ganeti/shared-file-storage" for node in self.nodes)
        first, *others = places
        for other in others:
            other.rmdir()
            other.symlink_to(first)

    def gnt(
        self,
        tool: str,
        *args: str,
        node: str | None = None,
        code: int | None = 0,
        timeout_s: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``gnt-TOOL`` and check its exit code; ``None`` takes any."""
        done = self.run(node or self.master, f"gnt-{tool}", *args, timeout_s=timeout_s)
        said = f"gnt-{tool} {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    def listed(self, tool: str, fields: str) -> list[list[str]]:
        """Rows of ``gnt-TOOL list``, a list of words each."""
        words = ("list", "--no-headers", "--separator=|", "-o", fields)
        return [line.split("|") for line in self.gnt(tool, *words).stdout.splitlines()]

    def pid(self, daemon: str, node: str) -> int:
        """Process id of a daemon."""
        return int((self.root(node) / f"var/run/ganeti/{daemon}.pid").read_text())

    def kill9(self, daemon: str, node: str = MASTER) -> None:
        """Kill a daemon as a crash would, and wait until it is gone."""
        pid = self.pid(daemon, node)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid not in self.processes(), 10, f"{daemon} on {node} to be gone")

    def console(self, node: str, instance: str, pattern: str, *, ask: bytes = b"") -> Match[str]:
        """Wait until a guest says something on its serial console."""
        path = self.serial_socket(node, instance)
        said = wait_console(path, pattern, timeout_s=BOOT_S, ask=ask)
        assert said is not None, f"{instance} did not say {pattern!r} within {BOOT_S} s"
        return said

    def guest_uptime(self, node: str, instance: str) -> float:
        """Seconds since a micro guest booted, by its own clock."""
        said = self.console(node, instance, r"is up, .* uptime ([\d.]+) s", ask=b"\nmicro\n")
        return float(said.group(1))

    def guests(self) -> list[str]:
        """Command lines of QEMU processes."""
        return [line for line in self.processes().values() if "qemu" in line.split()[0]]

    def images(self) -> list[str]:
        """Disk images of all nodes, relative to the cluster's directory."""
        found = self.base.glob("node*/srv/ganeti/*file-storage/**/*")
        return sorted(str(path.relative_to(self.base)) for path in found if path.is_file())

    def runtime_files(self) -> list[str]:
        """What the KVM driver keeps of guests."""
        found = self.base.glob("node*/var/run/ganeti/kvm-hypervisor/**/*")
        return sorted(str(path.relative_to(self.base)) for path in found if not path.is_dir())

    def logs(self) -> str:
        """The end of every daemon's log, to print when a test fails."""
        parts = []
        for path in sorted(self.base.glob("node*/var/log/ganeti/*.log")):
            lines = path.read_text("utf-8", "replace").splitlines()[-40:]
            parts.append("\n".join([f"--- {path.relative_to(self.base)}", *lines]))
        return "\n".join(parts)


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s:g} s in vain for {what}"
        time.sleep(0.05)


def interfaces(bridge_name: str) -> set[str]:
    """Interfaces that hang on a bridge: those of this test and nobody else's."""
    return set(os.listdir(f"/sys/class/net/{bridge_name}/brif"))


@contextmanager
def virtual_cluster(
    *,
    size: int = 3,
    wrapper: Sequence[str] = (),
    kind: Callable[..., Cluster] = Cluster,
    network: str = "",
) -> Iterator[Cluster]:
    """A cluster's directory and, at the end, the end of all its processes and files.

    Args:
        size: how many nodes.
        wrapper: put before every command.
        kind: makes it.
        network: first three bytes of the nodes' addresses; without it some loopback network.
    """
    with uninterrupted():
        base = Path(tempfile.mkdtemp(prefix="g-", dir="/tmp"))
    network = network or f"127.{80 + secrets.randbelow(150)}.{1 + secrets.randbelow(250)}"
    cluster = kind(base, BINDIR, network=network, size=size, wrapper=wrapper)
    try:
        yield cluster
    except BaseException:
        print(cluster.logs())
        raise
    finally:
        with uninterrupted():
            cluster.end_processes()
            left = cluster.processes()
            cluster.remove()
        assert not left, f"processes that do not end: {left}"


@contextmanager
def bridge() -> Iterator[str]:
    """A network bridge without an uplink."""
    name = f"gt{secrets.token_hex(3)}"
    with uninterrupted():
        subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield name
    finally:
        with uninterrupted():
            subprocess.run(["ip", "link", "delete", name], check=True)
