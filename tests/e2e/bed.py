"""A test bed of real hosts on one machine, with the package installed.

    make deb -> a host it is installed on -> two, three, five that begin with its disk -> test

For what virtual nodes have not: users of their own, ``/etc`` and ``/var``, ssh, addresses, links
and power that can be cut. A cluster is founded and joined by commands, as an operator does it::

    with bed("hosta", "hostb", "hostc") as (network, (first, second, third)):
        found(first, second, third)
        first.run("gnt-cluster", "verify")
        network.cut(third)                       # nobody reaches it; network.join(third) mends it
        network.split([first], [second, third])  # two networks; join() brings hosts back
        second.cut_power()                       # all its processes end; second.power_on()
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Final

from tests.e2e.hosts import DOMAIN, Host, rack
from tests.e2e.prepare import BOOT
from tests.e2e.switch import NETDEV, Network
from tools.deb.__main__ import build
from tools.machine import CHECKOUT

CLUSTER: Final = f"cluster.{DOMAIN}"
WEB: Final = f"web1.{DOMAIN}"
_OTHERS: Final = {CLUSTER: 100, WEB: 50}
_KERNEL: Final = f"kernel_path={BOOT / 'vmlinuz'},initrd_path={BOOT / 'initrd'},root_path=/dev/vda"


@cache
def packages() -> tuple[str, ...]:
    """Files of the packages of these sources, to be installed together."""
    return tuple(map(str, build()))


def install(host: Host) -> None:
    """Install the packages; commands are their own from now on."""
    host.path_first = ()
    # Programs are compiled, which takes its time on a busy machine.
    host.run("dpkg", "-i", *packages(), timeout_s=600)


def _prepare(also: tuple[str, ...], host: Host) -> None:
    """What a site puts on each of its machines."""
    install(host)
    if also:
        host.run("dpkg", "-i", *also, timeout_s=600)
    storage = "/srv/ganeti/file-storage"
    host.write("/etc/ganeti/file-storage-paths", f"{storage}\n")
    host.path(storage).mkdir(parents=True)
    host.path("/srv/ganeti/os").mkdir()
    host.path("/srv/ganeti/os/micro").symlink_to(CHECKOUT / "os" / "micro")


@contextmanager
def bed(*names: str, also: tuple[str, ...] = ()) -> Iterator[tuple[Network, list[Host]]]:
    """Hosts with the packages installed, in no cluster yet, and their network.

    Args:
        names: their short names.
        also: files of further packages that are installed.
    """
    with rack(*names, others=_OTHERS, prepare=partial(_prepare, also)) as (network, hosts):
        for host in hosts:
            host.path_first = ()
        yield network, hosts


def found(first: Host, *others: Host) -> None:
    """Make them a cluster with KVM; the others join over ssh."""
    words = (f"--master-netdev={NETDEV}", "--enabled-disk-templates=file,diskless")
    first.run(
        "gnt-cluster", "init", *words, "--enabled-hypervisors=kvm",
        "-H", f"kvm:kvm_path=/usr/bin/qemu-system-x86_64,{_KERNEL}", CLUSTER,
    )  # fmt: skip
    key = first.make_key()
    for other in others:
        other.authorize(key)
        first.run("gnt-node", "add", "--no-ssh-key-check", other.name)


def add_guest(master: Host, node: Host, *more: str, name: str = WEB) -> None:
    """A micro guest with a disk in a file, started; ``more`` options."""
    master.run(
        "gnt-instance", "add", "-t", "file", "--disk", "0:size=64m", "-o", "micro+default",
        "--no-nics", "--no-name-check", "--no-ip-check", "--ignore-ipolicy", "-B", "memory=128m",
        "-n", node.name, *more, name,
    )  # fmt: skip


def guests(host: Host) -> list[str]:
    """Process ids of the guests that run on a host."""
    listed = host.run("pgrep", "-f", "^/usr/bin/qemu-system-x86_64 ", code=None).stdout
    return listed.split()
