"""A virtual cluster in a directory, as ./quickstart and the end-to-end tests make and end it.

Each node is a directory ``BASE/nodeN`` with its own loopback address; programs act as a node when
``GANETI_ROOTDIR`` and ``GANETI_HOSTNAME`` say so. By these variables, or by the disks it works on,
every process of the cluster is found again, and ended by its id.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

# run/ganeti/kvm-hypervisor/ctrl/NAME.monitor is about the longest path below a node's directory.
LONGEST_SOCKET: Final = "/node1/var/run/ganeti/kvm-hypervisor/ctrl/instance1.example.com.monitor"
SOCKET_LIMIT: Final = 107
SERIAL: Final = "var/run/ganeti/kvm-hypervisor/ctrl/{}.serial"


class VirtualClusterError(Exception):
    """The cluster could not be made, started or stopped."""


class VirtualCluster:
    """Paths, environment and processes of a virtual cluster.

    Args:
        base: its directory.
        bindir: where the programs are.
        network: the first three bytes of the nodes' addresses, ``127.77.1``.
        size: how many nodes.
        wrapper: put before every command, for tests that need a mount namespace.
    """

    def __init__(
        self, base: Path, bindir: Path, *, network: str, size: int, wrapper: Sequence[str] = ()
    ) -> None:
        self.base = base
        self.network = network
        self.nodes = [f"node{number}" for number in range(1, size + 1)]
        self._bindir = bindir
        self._wrapper = tuple(wrapper)

    def root(self, node: str) -> Path:
        """The directory that is ``/`` for ``node``."""
        return self.base / node

    def address(self, node: str) -> str:
        """The loopback address of ``node``."""
        return f"{self.network}.{self.nodes.index(node) + 1}"

    def environ(self, node: str | None) -> dict[str, str]:
        """The environment that makes a program act as ``node``, or as none."""
        if node is None:
            return dict(os.environ)
        return {**os.environ, "GANETI_ROOTDIR": str(self.root(node)), "GANETI_HOSTNAME": node}

    def argv(self, program: str, *args: str) -> list[str]:
        """The command line of one of our programs."""
        return [*self._wrapper, str(self._bindir / program), *args]

    def inside(self, node: str | None) -> Sequence[str]:
        """What stands before the commands of ``node``, where it has a network of its own."""
        return ()

    def run(
        self, node: str | None, program: str, *args: str, timeout_s: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run one of our programs as ``node``; its exit code is the caller's to look at."""
        return subprocess.run(
            [*self.inside(node), *self.argv(program, *args)],
            env=self.environ(node),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def path_is_too_long(self) -> bool:
        """Whether sockets below the base directory could not be reached."""
        return len(os.fsencode(f"{self.base}{LONGEST_SOCKET}")) > SOCKET_LIMIT

    def is_made(self) -> bool:
        """Whether every node has its directory and the script that acts as it."""
        return all((self.root(node) / "cmd").exists() for node in self.nodes)

    def make(self, cluster_name: str) -> None:
        """Make the nodes' directories, or what is missing of them.

        Raises:
            VirtualClusterError: vcluster-setup failed.
        """
        size = str(len(self.nodes))
        words = ("-c", size, "-i", "1", "-p", self.network, "--cluster-name", cluster_name)
        # It makes all nodes, and so acts as none.
        self._must(self.run(None, "vcluster-setup", *words, str(self.base)))

    def start_daemons(self) -> None:
        """Start what is down on every node that belongs to the cluster; the master's last.

        Raises:
            VirtualClusterError: a daemon did not come up.
        """
        for node in reversed(self.nodes):
            if (self.root(node) / "var/lib/ganeti/server.pem").exists():
                self._must(self.run(node, "daemon-util", "start-all"))

    def stop_daemons(self) -> None:
        """Stop the daemons of every node; guests go on."""
        for node in self.nodes:
            if self.root(node).exists():
                self._must(self.run(node, "daemon-util", "stop-all"))

    def _must(self, done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode != 0:
            words = " ".join(Path(word).name for word in done.args[len(self._wrapper) :][:2])
            raise VirtualClusterError(f"{words}: {(done.stderr or done.stdout).strip()}")

    def add_os(self, definition: Path) -> None:
        """Let every node find the OS definition in the directory ``definition``."""
        for node in self.nodes:
            place = self.root(node) / "srv/ganeti/os"
            place.mkdir(parents=True, exist_ok=True)
            link = place / definition.name
            link.unlink(missing_ok=True)
            link.symlink_to(definition)

    def serial_socket(self, node: str, instance: str) -> Path:
        """The socket of an instance's serial console on its primary node."""
        return self.root(node) / SERIAL.format(instance)

    def processes(self) -> dict[int, str]:
        """Process id and command line of everything that works for the cluster.

        A process with a terminal is somebody's shell or command, and not counted.
        """
        found = {}
        for entry in os.scandir("/proc"):
            # It may end while we look at it.
            with suppress(OSError):
                if entry.name.isdigit() and self._is_ours(Path(entry.path)):
                    words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
                    found[int(entry.name)] = b" ".join(words).decode("utf-8", "replace").strip()
        found.pop(os.getpid(), None)
        return found

    def _is_ours(self, process: Path) -> bool:
        """Whether a process works for the cluster: a daemon, a guest, an OS script."""
        if has_terminal(process):
            return False
        below = f"{self.base}/".encode()
        marks = tuple(name + below for name in (b"GANETI_ROOTDIR=", b"DISK_0_PATH="))
        environ = (process / "environ").read_bytes().split(b"\0")
        return any(word.startswith(marks) for word in environ) or (
            b"qemu" in (process / "comm").read_bytes()
            and below in (process / "cmdline").read_bytes()
        )

    def end_processes(self, grace_s: float = 5) -> None:
        """End everything that works for the cluster: politely, then by force."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, sig)
            end = time.monotonic() + grace_s
            while self.processes() and time.monotonic() < end:
                time.sleep(0.1)

    def remove(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.base, ignore_errors=True)


def has_terminal(process: Path) -> bool:
    """Whether the process with this directory in /proc has a controlling terminal."""
    fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
    return fields[4] != b"0"


def is_port_free(address: str, port: int) -> bool:
    """Whether a daemon could listen there."""
    with socket.socket() as probe:
        # As daemons do: connections of a daemon that ended a moment ago are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def wait_console(
    path: Path, pattern: str, *, timeout_s: float, ask: bytes = b""
) -> "re.Match[str] | None":
    """Read a guest's serial console until ``pattern`` appears.

    Args:
        path: the console's socket; may appear later.
        pattern: a regular expression.
        ask: typed every two seconds, for what the guest said before we listened.

    Returns:
        The match, or ``None`` when the time ran out.
    """
    seen = ""
    for chunk in _console(path, time.monotonic() + timeout_s, ask):
        seen += chunk
        match = re.search(pattern, seen)
        if match:
            return match
    return None


def _console(path: Path, end: float, ask: bytes) -> Iterator[str]:
    """What a console says until ``end``; connects again when the connection breaks."""
    while time.monotonic() < end:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(str(path))
            while time.monotonic() < end:
                try:
                    data = link.recv(4096)
                except TimeoutError:
                    link.sendall(ask)
                    continue
                if not data:
                    break
                yield data.decode("utf-8", "replace")
        time.sleep(0.1)
