"""A virtual cluster of real daemons to measure on, and the meters.

bed(...) -> directory, nodes, init -> measurements -> every process ended by its id
"""

import atexit
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pyganeti.kit.paths import Paths
from pyganeti.wire.luxi.client import LuxiClient, OpDict
from tools.virtual import VirtualCluster

MASTER: Final = "node1"
BINDIR: Final = Path(sys.executable).parent
INIT: Final = (
    "--no-ssh-init",
    "--no-etc-hosts",
    "--master-netdev=lo",
    "--enabled-disk-templates=file,diskless",
)
NAME: Final = "cluster.example.com"
# 78 in the second byte: the quick start and the end-to-end tests use others.
_NETWORK: Final = "127.78.{}"
_PORT: Final = 1811
# Of the clock of CPU time of another process, see clock_getcpuclockid(3).
_CPUCLOCK_SCHED: Final = 2


class BedError(Exception):
    """Something on the bed did not work, so that there is nothing to measure."""


class Bed(VirtualCluster):
    """A virtual cluster with a running master."""

    def paths(self, node: str = MASTER) -> Paths:
        """Where things of ``node`` lie."""
        return Paths(str(self.root(node)), node)

    def pid(self, daemon: str, node: str = MASTER) -> int:
        """Process id of a running daemon."""
        return int(Path(self.paths(node).pid_file(daemon)).read_text("ascii"))

    def client(self) -> LuxiClient:
        """A connection to the master."""
        return LuxiClient(self.paths().master_socket)

    def must(self, program: str, *args: str, node: str = MASTER) -> str:
        """Run a program that must succeed; what it printed.

        Raises:
            BedError: it failed.
        """
        done = self.run(node, program, *args)
        if done.returncode != 0:
            raise BedError(f"{program} {' '.join(args)}: {done.stdout}{done.stderr}")
        return done.stdout

    def command_cpu(self, program: str, *args: str) -> float:
        """Seconds of CPU of one run of a command on the master."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.must(program, *args)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)

    def run_job(self, client: LuxiClient, op: OpDict) -> None:
        """Run one opcode as a job; it must succeed."""
        client.wait_for_end(client.submit_job([op]))


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process, all of its threads, has used."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def pss_mb(pid: int) -> float:
    """Memory of a process in MB; pages shared with others count in part."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise BedError(f"no Pss of process {pid}")
    return int(found.group(1)) * 1024 / 1e6


@contextmanager
def bed(*, size: int = 1, hypervisor: str = "fake", extra: tuple[str, ...] = ()) -> Iterator[Bed]:
    """A cluster of ``size`` real nodes, initialized, daemons running."""
    base = _fresh_directory()
    made = Bed(base, BINDIR, network=_free_network(), size=size)
    try:
        made.make(NAME)
        hypervisors = f"--enabled-hypervisors={hypervisor}"
        made.must("gnt-cluster", "init", *INIT, hypervisors, *extra, NAME)
        for node in made.nodes[1:]:
            made.must("gnt-node", "add", "--no-ssh-key-check", node)
        yield made
    finally:
        made.end_processes()


def _fresh_directory() -> Path:
    """A directory in a part of the disk where nothing was removed lately.

    For minutes after many files were removed, ext4 without a journal searches long for a place for
    a new one beside them, and each job makes one. Below a directory with the flag T, directories
    are spread over the disk; and what is made here is removed when the program ends.
    """
    above = tempfile.mkdtemp(prefix="gb-", dir="/tmp")
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    # Other file systems do not know the flag, and do not need it.
    subprocess.run(["chattr", "+T", above], stderr=subprocess.DEVNULL, check=False)
    base = Path(above, secrets.token_hex(3))
    base.mkdir()
    return base


def _free_network() -> str:
    """First three bytes of addresses that nobody listens on."""
    while True:
        network = _NETWORK.format(1 + secrets.randbelow(99))
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((f"{network}.1", _PORT))
            return network


@contextmanager
def helper(module: str, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """One of our own processes, ended at the end."""
    argv = [sys.executable, "-m", f"benchmarks.{module}", *args]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
