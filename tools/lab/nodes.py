"""Lab nodes: emulated machines with real LVM, DRBD and KVM, in a network namespace of their own.

    image -> node booted once -> snapshot -> restored in a second, as often as wanted

Used by ``tests/lab`` and ``make lab-shell``. Each node has two disks (its root and ``/dev/vdb``),
two network cards (management on a bridge with us, replication on another) and nested KVM. Cutting
a link or the power is one call. Needs root.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

from tools.lab import project
from tools.lab.image import CACHE, IMAGE, fingerprint

MANAGEMENT: Final = "10.77.0"
REPLICATION: Final = "10.78.0"
DATA_SIZE: Final = "24G"
SNAPSHOT: Final = "ready"
# Five times what it takes with the machine to itself.
BOOT_S: Final = 90.0
RESTORE_S: Final = 60.0
COMMAND_S: Final = 300.0
# Features of the processor that cost the emulator time and give a lab node nothing.
_COSTLY: Final = "-la57,-smap,-smep,-umip,-pku,-pks,-erms,-fsrm"
_SNAPSHOTS: Final = CACHE / "snapshots"


class LabError(Exception):
    """A node could not be booted, reached or told something."""


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


class Bed:
    """A network namespace with two bridges, and the nodes in it. A context manager.

    Args:
        directory: for disks and sockets; short, since sockets lie in it.
        namespace: its name.
    """

    def __init__(self, directory: Path, namespace: str = "pyganeti-lab") -> None:
        self.directory = directory
        self.namespace = namespace
        self.nodes: list[Node] = []

    def __enter__(self) -> "Bed":
        self.remove_network()
        _ip("netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")
        for bridge, network in (("mgmt", MANAGEMENT), ("repl", REPLICATION)):
            self.ip("link", "add", bridge, "type", "bridge", "forward_delay", "0")
            self.ip("link", "set", bridge, "up")
            self.ip("address", "add", f"{network}.1/24", "dev", bridge)
        return self

    def __exit__(self, *exception: object) -> None:
        for node in self.nodes:
            node.cut_power()
        self.nodes.clear()
        self.remove_network()

    def remove_network(self) -> None:
        """Take away the namespace, with all that is in it."""
        _ip("netns", "delete", self.namespace, check=False)

    def ip(self, *words: str) -> None:
        """Run ``ip`` in the namespace."""
        _ip("-n", self.namespace, *words)

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs ``argv`` in the namespace."""
        return ["ip", "netns", "exec", self.namespace, *argv]

    def restore(self, count: int) -> "list[Node]":
        """``count`` fresh nodes, as they were when first booted."""
        for number in range(1, count + 1):
            Node(self, number).make_snapshot()
        return self._restore(count, _SNAPSHOTS)

    def _restore(self, count: int, place: Path) -> "list[Node]":
        made = [Node(self, number) for number in range(1, count + 1)]
        self.nodes += made
        for node in made:
            node.restore(place / node.name)
        for node in made:
            node.wait_until_reachable(RESTORE_S)
            node.set_clock()
        return made

    def restore_as(
        self, name: str, count: int, key: str, make: "Callable[[list[Node]], None]"
    ) -> "list[Node]":
        """``count`` nodes as ``make`` leaves them, which is done once for a ``key``.

        Args:
            name: of what is kept; what was kept for another key goes.
            count: of nodes.
            key: says all that decides what ``make`` does.
            make: makes it of fresh nodes.
        """
        place = _SNAPSHOTS / name
        stamp = place / "made-from"
        wanted = f"{_fingerprint()} {key}"
        _SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        with (_SNAPSHOTS / f"{name}.lock").open("w") as lock:
            # Another bed may be about to make the same.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (stamp.is_file() and stamp.read_text() == wanted):
                shutil.rmtree(place, ignore_errors=True)
                made = self.restore(count)
                make(made)
                _keep(made, place)
                stamp.write_text(wanted)
                # Each begins in the same way.
                for node in made:
                    node.cut_power()
                    self.nodes.remove(node)
        return self._restore(count, place)


class Node:
    """One emulated machine.

    Args:
        bed: where it stands.
        number: 1 to 9; name and addresses follow from it.
    """

    def __init__(self, bed: Bed, number: int) -> None:
        self.bed = bed
        self.name = f"node{number}"
        self.number = number
        self.address = f"{MANAGEMENT}.{10 + number}"
        self.secondary = f"{REPLICATION}.{10 + number}"
        self._directory = bed.directory / self.name
        self._process: subprocess.Popen[bytes] | None = None

    # --- power

    def _disks(self) -> list[Path]:
        return [self._directory / name for name in ("root.qcow2", "data.qcow2")]

    def _command(self, *more: str) -> list[str]:
        place = self._directory
        kernel_line = (
            "console=ttyS0 quiet mitigations=off tsc=reliable nowatchdog no_timer_check"
            # Code that always lies at the same address is translated once for all processes.
            " norandmaps nokaslr nopti transparent_hugepage=always"
            " random.trust_cpu=on audit=0 apparmor=0 selinux=0 panic=5 rw root=/dev/vda"
            f" node={self.name} lip={self.address}/24 lip2={self.secondary}/24"
        )
        words = [
            "qemu-system-x86_64", "-name", self.name, "-nodefaults", "-no-user-config",
            "-display", "none", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256",
            "-cpu", f"max,{_COSTLY}", "-smp", "1", "-m", "1024",
            "-kernel", str(IMAGE / "vmlinuz"), "-initrd", str(IMAGE / "initrd"),
            "-append", kernel_line,
            "-device", "virtio-rng-pci",
            "-chardev", f"socket,id=c0,path={place}/con,server=on,wait=off,logfile={place}/con.log",
            "-serial", "chardev:c0",
            "-monitor", f"unix:{place}/mon,server=on,wait=off",
        ]  # fmt: skip
        for index, disk in enumerate(self._disks()):
            drive = f"file={disk},if=none,id=d{index},format=qcow2,cache=unsafe,discard=unmap"
            words += ["-drive", drive, "-device", f"virtio-blk-pci,drive=d{index}"]
        for index, kind in enumerate(("mgmt", "repl")):
            tap, mac = self._tap(kind), f"52:54:00:77:0{index}:1{self.number}"
            words += ["-netdev", f"tap,id=n{index},ifname={tap},script=no,downscript=no"]
            words += ["-device", f"virtio-net-pci,netdev=n{index},mac={mac},romfile="]
        return self.bed.inside([*words, *more])

    def _tap(self, kind: str) -> str:
        return f"{kind}{self.number}"

    def _power_on(self, *more: str) -> None:
        for kind in ("mgmt", "repl"):
            with suppress(
                subprocess.CalledProcessError
            ):  # it may be there from an earlier power-on
                self.bed.ip("tuntap", "add", self._tap(kind), "mode", "tap")
            self.bed.ip("link", "set", self._tap(kind), "master", kind, "up")
        with (self._directory / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(*more), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def cut_power(self) -> None:
        """As when the plug is pulled: whatever was not written is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def power_on(self) -> None:
        """Boot from its disks as they are."""
        self._power_on()
        self.wait_until_reachable(BOOT_S)
        self.set_clock()

    def cut_link(self, kind: str = "repl") -> None:
        """Cut its cable to the network ``mgmt`` or ``repl``."""
        self.bed.ip("link", "set", self._tap(kind), "down")

    def join_link(self, kind: str = "repl") -> None:
        """Put the cable back."""
        self.bed.ip("link", "set", self._tap(kind), "up")

    # --- snapshots

    @property
    def _snapshot(self) -> Path:
        return _SNAPSHOTS / self.name

    def make_snapshot(self) -> None:
        """Boot it once and keep disks and memory; done already for this image, do nothing."""
        _SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        with (_SNAPSHOTS / f"{self.name}.lock").open("w") as lock:
            # Another bed may be about to make the same.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._make_snapshot()

    def _make_snapshot(self) -> None:
        stamp = self._snapshot / "made-from"
        if stamp.is_file() and stamp.read_text() == _fingerprint():
            return
        shutil.rmtree(self._snapshot, ignore_errors=True)
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        root, data = self._disks()
        backing = ["-b", str(IMAGE / "root.qcow2"), "-F", "qcow2"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, root], check=True)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", data, DATA_SIZE], check=True)
        self._power_on()
        try:
            self.wait_until_reachable(BOOT_S)
            self.run("sync")
            self.monitor(f"savevm {SNAPSHOT}", BOOT_S)
        finally:
            self.cut_power()
        self.copy_disks(self._snapshot)
        stamp.write_text(_fingerprint())

    def copy_disks(self, place: Path) -> None:
        """Copy its disks, with the snapshots in them, to a new directory."""
        place.mkdir(parents=True)
        for disk in self._disks():
            shutil.copy(disk, place / disk.name)

    def restore(self, place: Path) -> None:
        """Let it go on from the snapshot in ``place``; :meth:`wait_until_reachable` follows."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        for disk in self._disks():
            shutil.copy(place / disk.name, disk)
        self._power_on("-loadvm", SNAPSHOT)

    def monitor(self, command: str, timeout_s: float = 10.0) -> str:
        """What QEMU's monitor answers to ``command``."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(self._directory / "mon"))
            _until_prompt(sock)
            sock.sendall(command.encode() + b"\n")
            return _until_prompt(sock)

    # --- talking to it

    def _ssh(self, *options: str) -> list[str]:
        return self.bed.inside(
            [
                "ssh", "-i", str(IMAGE / "key"), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15",
                "-o", "ControlMaster=auto", "-o", f"ControlPath={self._directory}/ssh",
                "-o", "ControlPersist=60", "-o", "KexAlgorithms=curve25519-sha256",
                *options, f"root@{self.address}",
            ]
        )  # fmt: skip

    def shell(self) -> int:
        """Let a person work on it."""
        return subprocess.call(self._ssh("-t"))

    def wait_until_reachable(self, timeout_s: float) -> None:
        """Wait until it answers over ssh.

        Raises:
            LabError: it did not in time; says what its console shows.
        """
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                break
            done = subprocess.run([*self._ssh(), "true"], capture_output=True, check=False)
            if done.returncode == 0:
                return
            time.sleep(0.2)
        log = (self._directory / "con.log").read_bytes()[-2000:].decode("utf-8", "replace")
        errors = (self._directory / "qemu.log").read_text()[-500:]
        raise LabError(f"{self.name} does not answer; its console says:\n{log}\n{errors}")

    def run(
        self, command: str, *, check: bool = True, stdin: bytes = b"", timeout_s: float = COMMAND_S
    ) -> str:
        """Run a shell command on it; what it prints.

        Raises:
            LabError: it failed, and ``check``.
        """
        done = subprocess.run(
            [*self._ssh(), command],
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        out = done.stdout.decode("utf-8", "replace")
        if check and done.returncode != 0:
            said = out + done.stderr.decode("utf-8", "replace")
            raise LabError(f"{self.name}: {command}: code {done.returncode}\n{said}")
        return out

    def write_out(self) -> None:
        """Let what it has written so far, to files and to ``/dev/vdb``, survive a power cut."""
        self.run("sync && sync /dev/vdb")

    def set_clock(self) -> None:
        """A restored node's clock stands where its snapshot was made."""
        self.run(f"date -s @{time.time():.0f}")

    def put(self, members: dict[str, bytes], *, mode: int = 0o644) -> None:
        """Write files, by absolute path."""
        buffer = BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name.removeprefix("/"))
                info.size, info.mode, info.mtime = len(data), mode, int(time.time())
                archive.addfile(info, BytesIO(data))
        self.run("tar -x -C /", stdin=buffer.getvalue())

    def install(self) -> None:
        """Bring it the project as it is in this checkout, compiled, and its programs."""
        self.put(project.modules())
        self.put(project.compiled())
        self.put(project.programs(), mode=0o755)

    def install_tests(self) -> None:
        """Bring it the tests of this checkout and what runs them, to ``project.TESTS``."""
        for members in project.test_files():
            self.put(members)


def _keep(nodes: "list[Node]", place: Path) -> None:
    """Take a snapshot of all at the same moment: what one has sent, the other has, or awaits."""
    for node in nodes:
        node.run("sync")
    for node in nodes:
        node.monitor("stop")
    for node in nodes:
        node.monitor(f"savevm {SNAPSHOT}", BOOT_S)
        node.copy_disks(place / node.name)


def _fingerprint() -> str:
    return f"{fingerprint()} {Path(__file__).stat().st_size}"


def _until_prompt(sock: socket.socket) -> str:
    data = b""
    while not data.rstrip().endswith(b"(qemu)"):
        more = sock.recv(4096)
        if not more:
            raise LabError("QEMU closed its monitor")
        data += more
    return data.decode("utf-8", "replace")


@contextmanager
def bed(namespace: str = "pyganeti-lab") -> Iterator[Bed]:
    """A bed with its files in a short directory of its own."""
    directory = Path(f"/tmp/{namespace}-{os.getpid()}")
    directory.mkdir(mode=0o700)
    try:
        with Bed(directory, namespace) as made:
            yield made
    finally:
        shutil.rmtree(directory, ignore_errors=True)
