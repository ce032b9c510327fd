"""A switch in a network of its own, and what is plugged in: links that can be cut.

Used by :mod:`tests.e2e.hosts` for whole machines and by :mod:`tests.e2e.links` for virtual nodes.
Nothing of it has a name outside: it ends with the processes that hold it, which are ended by id.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from tests.e2e.vcluster import wait_for

NETDEV: Final = "eth0"


class Plugged(Protocol):
    """What has a link."""

    @property
    def number(self) -> int:
        """Last number of its address, and of its port."""
        ...

    @property
    def init(self) -> int:
        """A process in its network, as seen from outside."""
        ...


@contextmanager
def holder(*argv: str) -> Iterator[int]:
    """A process that holds namespaces; it and all in them end with the block, or with us."""
    words = ["setpriv", "--pdeathsig", "KILL", *argv]
    process = subprocess.Popen(words, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process.pid
    finally:
        # A first process ends before its parent, which waits for it: nobody else might soon.
        os.kill(child(process.pid) or process.pid, signal.SIGTERM)
        process.wait(10)


def child(pid: int) -> int | None:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(words[0]) if words else None
    return None


class Network:
    """The rack: a switch that all hosts are plugged in, and what their disks lie on.

    Args:
        pid: the process that holds its namespaces.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._groups = 0

    def argv(self, *words: str) -> list[str]:
        """``nsenter`` with ``words``: its options, and a command."""
        return ["nsenter", f"--target={self._pid}", *words]

    def _link(self, words: str) -> None:
        subprocess.run(self.argv("--net", "ip", "link", *words.split()), check=True)

    def start(self) -> None:
        """Make the switch."""
        self._add_switch(0)

    def _add_switch(self, number: int) -> None:
        for words in (f"add name br{number} type bridge forward_delay 0", f"set br{number} up"):
            self._link(words)

    def plug(self, host: Plugged) -> None:
        """Connect a host that has just got power."""
        port = f"port{host.number}"
        # A machine keeps its address on the wire; others remember it.
        peer = f"name {NETDEV} address 02:00:0a:63:07:{host.number:02x} netns {host.init}"
        self._link(f"add name {port} type veth peer {peer}")
        self._link(f"set {port} master br0 up")

    def cut(self, *hosts: Plugged) -> None:
        """Cut the links of hosts: nobody reaches them, nor they anybody."""
        for host in hosts:
            self._link(f"set port{host.number} down")

    def join(self, *hosts: Plugged) -> None:
        """Mend the links of hosts, and take them out of :meth:`split`."""
        for host in hosts:
            self._link(f"set port{host.number} master br0 up")

    def split(self, *groups: Sequence[Plugged]) -> None:
        """Let hosts reach those of their own group only; who is in none keeps its place."""
        for group in groups:
            self._groups += 1
            self._add_switch(self._groups)
            for host in group:
                self._link(f"set port{host.number} master br{self._groups}")


@contextmanager
def bare_rack() -> Iterator[Network]:
    """A network with nothing in it but a bridge, and an empty file system in ``/mnt``."""
    script = "mount -t tmpfs tmpfs /mnt && touch /mnt/ready && exec sleep infinity"
    with holder("unshare", "--net", "--mount", "sh", "-c", script) as pid:
        wait_for(Path(f"/proc/{pid}/root/mnt/ready").exists, 10, "a rack")
        network = Network(pid)
        network.start()
        yield network
