"""What it costs to add an instance, and how much later than by hand a guest runs."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.bed import MASTER, Bed, cpu_of
from benchmarks.figure import REPEATS, Figure
from pyganeti.kit.paths import Paths
from pyganeti.node.hypervisor.kvm.layout import GuestPaths, KvmLayout

_ADDS: Final = 20
_GUEST: Final = "guest1"
_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.002


def add_diskless(bed: Bed) -> Figure:
    """CPU of all that takes part in adding an instance: client, master and node daemon."""
    pids = [bed.pid("ganeti-masterd"), bed.pid("ganeti-noded")]

    def meter() -> float:
        return time.process_time() + sum(map(cpu_of, pids))

    samples = []
    with bed.client() as client:
        for repeat in range(REPEATS):
            before = meter()
            for number in range(_ADDS):
                bed.run_job(client, _create(repeat, number))
            samples.append((meter() - before) / _ADDS * 1e3)
    note = "client over LUXI, masterd, noded"
    return Figure("instance add, diskless, fake, all CPU", "ms", 20.0, samples, note=note)


def _create(repeat: int, number: int) -> dict[str, Any]:  # Any: opcode parameters
    return {
        "OP_ID": "OP_INSTANCE_CREATE",
        "instance_name": f"add{repeat}x{number}",
        "mode": "create",
        "disk_template": "diskless",
        "disks": [],
        "nics": [{"mode": "routed", "link": "main", "ip": f"198.18.{repeat}.{number}"}],
        "pnode": MASTER,
        "os_type": "noop",
        "no_install": True,
        "hypervisor": "fake",
        "name_check": False,
        "ip_check": False,
        "start": True,
        "beparams": {"maxmem": 128, "minmem": 128},
    }


class Running:
    """Waits on a guest's monitor until QEMU says that the guest runs.

    The monitor for people is asked, since the one for programs has one client, the node daemon.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._at = 0.0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def at(self) -> float:
        """Monotonic time at which it ran first.

        Raises:
            TimeoutError: it never did.
        """
        self._thread.join()
        if not self._at:
            raise TimeoutError("the guest did not run")
        return self._at

    def _watch(self) -> None:
        end = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < end:
            try:
                with socket.socket(socket.AF_UNIX) as link:
                    link.settimeout(5)
                    link.connect(self._path)
                    self._ask(link, end)
                    return
            except OSError:
                time.sleep(_POLL_S)

    def _ask(self, link: socket.socket, end: float) -> None:
        seen = b""
        while time.monotonic() < end:
            link.sendall(b"info status\n")
            time.sleep(_POLL_S)
            # One short line an answer; the last is looked at.
            seen = (seen + link.recv(65536))[-200:]
            if b"status: running" in seen:
                self._at = time.monotonic()
                return


def startup_overhead(bed: Bed) -> Figure:
    """What ``gnt-instance startup`` adds to the same QEMU command started by hand, in turn."""
    paths = guest_paths(bed.paths())
    ours, by_hand = [], []
    command = _first_command(bed, paths)
    for _ in range(REPEATS):
        by_hand.append(_by_hand(paths, command))
        ours.append(_by_command(bed, paths))
    pairs = zip(ours, by_hand, strict=True)
    overheads = [(one - other) * 1e3 for one, other in pairs]
    usual = sorted(by_hand)[len(by_hand) // 2]
    limit = max(150.0, usual * 100)
    note = f"by hand {usual * 1e3:.0f} ms"
    return Figure("gnt-instance startup beyond QEMU by hand", "ms", limit, overheads, note=note)


def guest_paths(paths: Paths) -> GuestPaths:
    """Files of the guest that is started."""
    return KvmLayout(paths.kvm_dir).guest(_GUEST)


def add_guest(bed: Bed) -> None:
    """Add the instance that is started."""
    # Without NICs, since the interfaces' open files could not be given to a QEMU started by hand.
    words = "-t diskless --no-install --no-start --no-nics --ignore-ipolicy -o noop -B memory=128m"
    bed.must("gnt-instance", "add", *words.split(), "-n", MASTER, _GUEST)


def _first_command(bed: Bed, paths: GuestPaths) -> list[str]:
    """Start it once, for what is found out only once, and keep QEMU's command line."""
    bed.must("gnt-instance", "startup", _GUEST)
    pid = Path(paths.pid).read_text("ascii").strip()
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    _stop(bed)
    return [os.fsdecode(word) for word in words[:-1]]


def _stop(bed: Bed) -> None:
    bed.must("gnt-instance", "shutdown", "--timeout=0", _GUEST)


def _by_command(bed: Bed, paths: GuestPaths) -> float:
    began = time.monotonic()
    running = Running(paths.monitor)
    bed.must("gnt-instance", "startup", _GUEST)
    took = running.at() - began
    _stop(bed)
    return took


def _by_hand(paths: GuestPaths, command: list[str]) -> float:
    began = time.monotonic()
    running = Running(paths.monitor)
    subprocess.run(command, check=True)
    pid = int(Path(paths.pid).read_text("ascii"))
    try:
        _let_run(paths.qmp)
        return running.at() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        _wait_gone(pid)
        for path in (*paths.sockets, paths.pid):
            Path(path).unlink(missing_ok=True)


def _let_run(path: str) -> None:
    """As one would over the socket: greeting, capabilities, go."""
    with socket.socket(socket.AF_UNIX) as link, link.makefile("rb") as answers:
        link.connect(path)
        answers.readline()
        for command in (b"qmp_capabilities", b"cont"):
            link.sendall(b'{"execute": "%s"}\n' % command)
            answers.readline()


def _wait_gone(pid: int) -> None:
    end = time.monotonic() + _TIMEOUT_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(_POLL_S)
