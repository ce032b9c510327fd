"""Real machines on this one, for tests of what virtual nodes have not: ssh, real paths, addresses.

    machines("a", "b") -> namespaces, file layers, a switch between them -> test -> all of it gone

A :class:`Host` has its own network, processes, host name and, as layers in memory over this
machine's files, its own ``/etc``, ``/var``, ``/run``, ``/root`` and ``/srv``; the rest it shares.
Nothing of it has a name outside: it ends with the processes that hold it, which are ended by id.
"""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.vcluster import BINDIR, wait_for

NETWORK: Final = "10.99.7"
PREFIX: Final = 24
DOMAIN: Final = "example.com"
PASSWORD: Final = "correct horse"
NETDEV: Final = "eth0"

_NAMESERVER: Final = Path(__file__).with_name("nameserver.py")
_SPACES: Final = ("--net", "--mount", "--uts", "--ipc", "--pid")
_LAYERED: Final = ("etc", "var", "run", "root", "srv")
# Runs as the first process of a host; it reaps what daemons leave and ends with the host.
_INIT: Final = f"""
set -e
trap 'exit 0' TERM
mount -t tmpfs tmpfs /mnt
for top in {" ".join(_LAYERED)}; do
    mkdir -p /mnt/$top.changes /mnt/$top.work
    mount -t overlay overlay \
        -o lowerdir=/$top,upperdir=/mnt/$top.changes,workdir=/mnt/$top.work /$top
done
mount -t sysfs sysfs /sys
rm -rf /root/.ssh /etc/ganeti /var/lib/ganeti /var/log/ganeti /run/ganeti /srv/ganeti
mkdir -p /root/.ssh /run/sshd /etc/ganeti
chmod 700 /root/.ssh
echo "$1" > /proc/sys/kernel/hostname
echo 'hosts: files dns' > /etc/nsswitch.conf
echo 'nameserver 127.0.0.1' > /etc/resolv.conf
printf '127.0.0.1\tlocalhost\n' > /etc/hosts
touch /mnt/ready
sleep infinity & wait
"""
_SSHD: Final = """
HostKey /etc/ssh/host_key
PidFile none
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
"""


class Dialog:
    """A command on a terminal, with somebody who reads and types."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._terminal, inner = os.openpty()
        # ssh asks on the controlling terminal, whatever its standard streams are.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *argv],
            env=dict(env), cwd="/", stdin=inner, stdout=inner, stderr=inner,
        )  # fmt: skip
        os.close(inner)
        self.said = ""
        self._seen = 0

    def expect(self, pattern: str, *, answer: str, timeout_s: float = 30) -> None:
        """Wait until ``pattern`` is said, after what was answered before, and type ``answer``."""
        end = time.monotonic() + timeout_s
        while (found := re.search(pattern, self.said[self._seen :], re.DOTALL)) is None:
            more = self._read(end)
            assert more, f"waited in vain for {pattern!r}, it said: {self.said}"
        self._seen += found.end()
        os.write(self._terminal, f"{answer}\n".encode())

    def finish(self, timeout_s: float = 60) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + timeout_s
        while self._read(end):
            pass
        os.close(self._terminal)
        return self._process.wait(max(end - time.monotonic(), 1))

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            more = os.read(self._terminal, 65536)
        except OSError:
            # The last process that had the terminal open has ended.
            return False
        self.said += more.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(more)


class Host:
    """A machine. Made by :func:`machines`.

    Attributes:
        name: full name.
        address: on the network of all machines.
        init: the id of its first process, as seen from outside.
    """

    def __init__(self, name: str, address: str, init: int) -> None:
        self.name = name
        self.address = address
        self.init = init

    def argv(self, *command: str) -> list[str]:
        """``command`` as run on this host."""
        return ["nsenter", f"--target={self.init}", "-m", "-u", "-i", "-n", "-p", *command]

    def environ(self, **more: str) -> dict[str, str]:
        """What a login of root there has."""
        path = f"{BINDIR}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", **more}

    def run(
        self, *command: str, code: int | None = 0, stdin: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` without a terminal and check its exit code; ``None`` takes any."""
        done = subprocess.run(
            # Without a session of its own it would find the terminal of who runs the tests.
            ["setsid", "--wait", *self.argv(*command)],
            env=self.environ(**more), cwd="/", input=stdin,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        said = f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert code is None or done.returncode == code, said
        return done

    def dialog(self, *command: str, **more: str) -> Dialog:
        """Run ``command`` on a terminal."""
        return Dialog(self.argv(*command), self.environ(**more))

    def path(self, path: str) -> Path:
        """A file of this host, as seen from outside; links with absolute targets mislead."""
        return Path(f"/proc/{self.init}/root{path}")

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file."""
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def files(self, *tops: str) -> dict[str, bytes]:
        """Regular files below ``tops`` with their contents."""
        found = {}
        for top in tops:
            for path in self.path(top).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    found["/" + str(path.relative_to(self.path("/")))] = path.read_bytes()
        return found

    def processes(self) -> list[str]:
        """Command lines of what runs here."""
        listed = self.run("ps", "-eo", "args", "--no-headers").stdout.splitlines()
        return [line for line in listed if not line.startswith(("ps ", "sleep ", "sh -c"))]

    def daemons(self) -> list[str]:
        """Names of the cluster's daemons that run here."""
        found = (re.search(r"/(ganeti-\w+) -f", line) for line in self.processes())
        return sorted(match.group(1) for match in found if match)

    def addresses(self) -> list[str]:
        """IPv4 addresses of its interface."""
        shown = self.run("ip", "-4", "-o", "address", "show", "dev", NETDEV).stdout
        return re.findall(r"inet (\S+)/", shown)

    def logs(self) -> str:
        """The end of every daemon's log, to print when a test fails."""
        parts = []
        for path in sorted(self.path("/var/log/ganeti").glob("*.log")):
            lines = path.read_text("utf-8", "replace").splitlines()[-30:]
            parts.append("\n".join([f"--- {self.name} {path.name}", *lines]))
        return "\n".join(parts)

    def start_name_server(self, names: Sequence[str]) -> None:
        """Let it know ``NAME=ADDRESS``; ends with the host."""
        words = shlex.join([sys.executable, str(_NAMESERVER), *names])
        self.run("sh", "-c", f"{words} > /dev/null 2>&1 &")

        def answers() -> bool:
            return self.run("getent", "hosts", self.name, code=None).returncode == 0

        wait_for(answers, 10, f"the name server of {self.name}")

    def start_sshd(self) -> None:
        """Let it be reached by ssh, with a key or with :data:`PASSWORD`."""
        self.run("chpasswd", "-c", "SHA512", stdin=f"root:{PASSWORD}\n")
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/host_key")
        self.write("/etc/ssh/sshd_config.test", _SSHD)
        # It detaches, and ends with the host.
        self.run("/usr/sbin/sshd", "-f", "/etc/ssh/sshd_config.test", "-E", "/var/log/sshd.log")

    def fingerprint(self) -> str:
        """Of its host key."""
        return self.run("ssh-keygen", "-lf", "/etc/ssh/host_key.pub").stdout.split()[1]

    def make_key(self, name: str = "id_ed25519") -> str:
        """Make a key pair of root; the public half."""
        path = f"/root/.ssh/{name}"
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        return self.path(f"{path}.pub").read_text()

    def authorize(self, key: str) -> None:
        """Let the owner of ``key`` in as root."""
        self.write("/root/.ssh/authorized_keys", key, mode=0o600)


def skip_without_namespaces() -> None:
    """Skip a test, and say why, where this machine lets nobody make namespaces or layers."""
    layer = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w && mount -t overlay overlay -o"
    layer += " lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc"
    words = ["unshare", *_SPACES, "--fork", "--mount-proc", "sh", "-c", layer]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no machines of one's own here: {tried.stderr.strip()}")


@contextmanager
def _holder(*argv: str) -> Iterator[int]:
    """A process that holds namespaces; it and all in them end with the block, or with us."""
    words = ["setpriv", "--pdeathsig", "KILL", *argv]
    process = subprocess.Popen(words, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process.pid
    finally:
        # A first process ends before its parent, which waits for it: nobody else might soon.
        os.kill(_child(process.pid) or process.pid, signal.SIGTERM)
        process.wait(10)


def _child(pid: int) -> int | None:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(words[0]) if words else None
    return None


def _is_apart(pid: int) -> bool:
    """Whether a process has left this machine's network."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    return False


@contextmanager
def _switch() -> Iterator[int]:
    """A network with nothing in it but a bridge; the id of the process that holds it."""
    with _holder("unshare", "--net", "sleep", "infinity") as pid:
        wait_for(lambda: _is_apart(pid), 10, "a network")
        for words in ("add name br0 type bridge forward_delay 0", "set br0 up"):
            _in_network(pid, "ip", "link", *words.split())
        yield pid


def _in_network(pid: int, *argv: str) -> None:
    subprocess.run(["nsenter", f"--target={pid}", "--net", *argv], check=True)


@contextmanager
def _host(switch: int, name: str, number: int) -> Iterator[Host]:
    # The end of the first process ends every other one of the host.
    words = ("unshare", *_SPACES, "--fork", "--kill-child", "--mount-proc")
    with _holder(*words, "sh", "-c", _INIT, "init", name) as outer:
        wait_for(lambda: _child(outer) is not None, 10, f"host {name}")
        init = _child(outer)
        assert init is not None
        host = Host(name, f"{NETWORK}.{number}", init)
        wait_for(host.path("/mnt/ready").exists, 10, f"files of host {name}")
        pair = f"add name port{number} type veth peer name {NETDEV} netns {init}"
        for link in (pair, f"set port{number} master br0 up"):
            _in_network(switch, "ip", "link", *link.split())
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "address", "add", f"{host.address}/{PREFIX}", "dev", NETDEV)
        host.run("ip", "link", "set", NETDEV, "up")
        try:
            yield host
        except BaseException:
            print(host.logs())
            raise
    wait_for(lambda: not os.path.exists(f"/proc/{init}"), 10, f"the end of host {name}")


@contextmanager
def machines(*hosts: str, others: Mapping[str, int]) -> Iterator[list[Host]]:
    """Hosts that reach each other and know all names from a name server, with ssh daemons.

    Args:
        hosts: their short names.
        others: further names with the last number of their addresses.
    """
    with ExitStack() as stack:
        switch = stack.enter_context(_switch())
        made = [
            stack.enter_context(_host(switch, f"{name}.{DOMAIN}", number))
            for number, name in enumerate(hosts, 1)
        ]
        names = [f"{host.name}={host.address}" for host in made]
        names += [f"{name}={NETWORK}.{last}" for name, last in others.items()]
        for host in made:
            host.start_name_server(names)
            host.start_sshd()
        yield made
