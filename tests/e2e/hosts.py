"""Real machines on this one, for tests of what virtual nodes have not: ssh, real paths, addresses.

    machines("a", "b") -> namespaces, file layers, a switch between them -> test -> all of it gone

A :class:`Host` has its own network, processes, host name and, as layers in memory over this
machine's files, its own ``/etc``, ``/usr``, ``/var``, ``/root`` and ``/srv``, which outlast a power
cut, and ``/run``, which does not; the rest it shares. Its power can be cut (:meth:`Host.cut_power`)
and its link (:class:`Network`). Nothing of it has a name outside: it ends with the processes that
hold it, which are ended by id.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.dialog import Dialog
from tests.e2e.switch import NETDEV, Network, bare_rack, child, holder
from tests.e2e.vcluster import BINDIR, wait_for

NETWORK: Final = "10.99.7"
PREFIX: Final = 24
DOMAIN: Final = "example.com"
PASSWORD: Final = "correct horse"
HOST_KEY: Final = "/etc/ssh/ssh_host_ed25519_key"

_NAMESERVER: Final = Path(__file__).with_name("nameserver.py")
_SPACES: Final = ("--net", "--mount", "--uts", "--ipc", "--pid")
_LAYERED: Final = ("etc", "usr", "var", "root", "srv")
# What of this machine a new host must not find.
_OWN: Final = (
    "/root/.ssh /etc/ganeti /var/lib/ganeti /var/log/ganeti /run/ganeti /run/pyganeti /srv/ganeti"
)
# Runs as the first process of a host; it reaps what daemons leave and ends with the host. Its disk
# is a directory of the rack (see bare_rack). The second time it finds it as it was.
_INIT: Final = f"""
set -e
trap 'exit 0' TERM
disk=/mnt/$1
for top in {" ".join(_LAYERED)}; do
    mkdir -p $disk/$top.changes $disk/$top.work
    lower=/$top
    [ -z "$3" ] || lower=/mnt/$3/$top.changes:$lower
    mount -t overlay overlay \
        -o lowerdir=$lower,upperdir=$disk/$top.changes,workdir=$disk/$top.work /$top
done
mkdir $disk/run.$2 $disk/run.$2/changes $disk/run.$2/work
mount -t overlay overlay \
    -o lowerdir=/run,upperdir=$disk/run.$2/changes,workdir=$disk/run.$2/work /run
mount -t sysfs sysfs /sys
echo "$1" > /proc/sys/kernel/hostname
if [ -n "$3" ] && [ ! -e $disk/made ]; then
    rm -f /etc/ssh/ssh_host_*
    touch $disk/made
fi
if [ ! -e $disk/made ]; then
    rm -rf {_OWN} /etc/ssh/ssh_host_*
    # Packages may start services, though there is no runlevel.
    printf '#!/bin/sh\nexit 104\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    mkdir -p /root/.ssh /etc/ganeti
    chmod 700 /root/.ssh
    echo 'hosts: files dns' > /etc/nsswitch.conf
    echo 'nameserver 127.0.0.1' > /etc/resolv.conf
    printf '127.0.0.1\tlocalhost\n' > /etc/hosts
    touch $disk/made
fi
rm -rf /run/ganeti /run/pyganeti /run/systemd
mkdir -p /run/sshd
touch $disk/ready.$2
sleep infinity & wait
"""
_SSHD: Final = f"""
HostKey {HOST_KEY}
PidFile none
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""


class Host:
    """A machine. Made by :func:`machines`.

    Attributes:
        name: full name.
        address: on the network of all machines.
        number: last number of the address, and of its port.
        init: the id of its first process, as seen from outside; 0 without power.
        path_first: directories of programs that a login finds before the system's.
    """

    def __init__(
        self, network: "Network", name: str, number: int, names: Sequence[str], base: str = ""
    ) -> None:
        self.name = name
        self.number = number
        self.address = f"{NETWORK}.{number}"
        self.init = 0
        self.path_first: tuple[str, ...] = (str(BINDIR),)
        self._network = network
        self._names = names
        self._base = base
        self._boots = 0
        self._power = ExitStack()

    def power_on(self) -> None:
        """Start it; its disk is as it was."""
        self._boots += 1
        # The end of the first process ends every other one of the host.
        words = ["unshare", *_SPACES, "--fork", "--kill-child", "--mount-proc"]
        words += ["sh", "-c", _INIT, "init", self.name, str(self._boots), self._base]
        outer = self._power.enter_context(holder(*self._network.argv("--mount", *words)))
        wait_for(lambda: child(outer) is not None, 10, f"host {self.name}")
        self.init = child(outer) or 0
        ready = self.path(f"/mnt/{self.name}/ready.{self._boots}")
        wait_for(ready.exists, 10, f"files of host {self.name}")
        self._network.plug(self)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/{PREFIX}", "dev", NETDEV)
        self.run("ip", "link", "set", NETDEV, "up")
        self._start_name_server()
        self._start_sshd()

    def cut_power(self) -> None:
        """End all its processes at once, as a power cut does."""
        if self.init:
            os.kill(self.init, signal.SIGKILL)
        self.switch_off()

    def switch_off(self) -> None:
        """End it; what has no power already is fine."""
        init, self.init = self.init, 0
        self._power.close()
        wait_for(lambda: not os.path.exists(f"/proc/{init}"), 10, f"the end of host {self.name}")

    def argv(self, *command: str) -> list[str]:
        """``command`` as run on this host."""
        return ["nsenter", f"--target={self.init}", "-m", "-u", "-i", "-n", "-p", *command]

    def environ(self, **more: str) -> dict[str, str]:
        """What a login of root there has."""
        system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        path = ":".join([*self.path_first, system])
        return {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", **more}

    def run(
        self,
        *command: str,
        code: int | None = 0,
        stdin: str = "",
        timeout_s: float = 120,
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` without a terminal and check its exit code; ``None`` takes any."""
        done = subprocess.run(
            # Without a session of its own it would find the terminal of who runs the tests.
            ["setsid", "--wait", *self.argv(*command)],
            env=self.environ(**more), cwd="/", input=stdin,
            capture_output=True, text=True, timeout=timeout_s, check=False,
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

    def pid(self, daemon: str) -> str:
        """Process id of a daemon, as it is seen there."""
        return self.path(f"/run/ganeti/{daemon}.pid").read_text().strip()

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

    def _start_name_server(self) -> None:
        """Let it know all names; ends with the host."""
        words = shlex.join([sys.executable, str(_NAMESERVER), *self._names])
        self.run("sh", "-c", f"{words} > /dev/null 2>&1 &")

        def answers() -> bool:
            return self.run("getent", "hosts", self.name, code=None).returncode == 0

        wait_for(answers, 10, f"the name server of {self.name}")

    def _start_sshd(self) -> None:
        """Let it be reached by ssh, with a key or with :data:`PASSWORD`."""
        if not self.path(HOST_KEY).exists():
            self.run("chpasswd", "-c", "SHA512", stdin=f"root:{PASSWORD}\n")
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", HOST_KEY)
            self.write("/etc/ssh/sshd_config.test", _SSHD)
        # It detaches, and ends with the host.
        self.run("/usr/sbin/sshd", "-f", "/etc/ssh/sshd_config.test", "-E", "/var/log/sshd.log")

        def answers() -> bool:
            probe = ("bash", "-c", f"echo > /dev/tcp/{self.address}/22")
            return self.run(*probe, code=None).returncode == 0

        wait_for(answers, 10, f"the ssh daemon of {self.name}")

    def fingerprint(self) -> str:
        """Of its host key."""
        return self.run("ssh-keygen", "-lf", f"{HOST_KEY}.pub").stdout.split()[1]

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
def _powered(host: Host) -> Iterator[Host]:
    try:
        host.power_on()
        yield host
    except BaseException:
        if host.init:
            print(host.logs())
        raise
    finally:
        host.switch_off()


@contextmanager
def machines(*hosts: str, others: Mapping[str, int]) -> Iterator[list[Host]]:
    """Hosts that reach each other and know all names from a name server, with ssh daemons.

    Args:
        hosts: their short names.
        others: further names with the last number of their addresses.
    """
    with rack(*hosts, others=others) as (_network, made):
        yield made


@contextmanager
def rack(
    *hosts: str, others: Mapping[str, int], prepare: Callable[[Host], None] | None = None
) -> Iterator[tuple[Network, list[Host]]]:
    """The same, with the network, whose links can be cut.

    Args:
        hosts: their short names.
        others: further names with the last number of their addresses.
        prepare: what is done to one host, whose disk all others then begin with.
    """
    full = {f"{name}.{DOMAIN}": number for number, name in enumerate(hosts, 1)}
    names = [f"{name}={NETWORK}.{last}" for name, last in {**full, **others}.items()]
    with ExitStack() as stack:
        network = stack.enter_context(bare_rack())
        base = ""
        if prepare is not None:
            base = f"template.{DOMAIN}"
            with _powered(Host(network, base, 250, [f"{base}={NETWORK}.250"])) as template:
                prepare(template)
        made = [Host(network, name, number, names, base) for name, number in full.items()]
        yield network, [stack.enter_context(_powered(host)) for host in made]
