"""Debian's Ganeti, three hosts, two guests: our package takes its place, and gives it back.

Opt-in (``make swap``): founding a cluster with Ganeti takes its minutes.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.bed import CLUSTER, guests, install
from tests.e2e.hosts import DOMAIN, Host, rack, skip_without_namespaces
from tests.e2e.prepare import BOOT, GANETI_DEBS
from tests.e2e.switch import NETDEV
from tests.e2e.test_guests_outlive import ASK, BOOT_ID
from tools.deb.edition import OWN
from tools.machine import CHECKOUT
from tools.virtual import wait_console

pytestmark = pytest.mark.swap

INST1, INST2 = f"inst1.{DOMAIN}", f"inst2.{DOMAIN}"
OTHERS = {CLUSTER: 100, INST1: 51, INST2: 52}
GUESTS = (
    f"kvm:kvm_path=/usr/bin/qemu-system-x86_64,kernel_path={BOOT / 'vmlinuz'},"
    f"initrd_path={BOOT / 'initrd'},root_path=/dev/vda,kvm_flag=disabled,vnc_bind_address="
)
STORAGE = "/srv/ganeti/file-storage"
TOOLS = "/usr/lib/ganeti/tools"
WAIT_S = 900.0


def debs(name: str = "*") -> list[str]:
    """Files of Debian's packages."""
    return sorted(map(str, GANETI_DEBS.glob(f"{name}_*.deb")))


def _prepare(host: Host) -> None:
    host.path_first = ()
    host.run("dpkg", "-i", *debs(), timeout_s=WAIT_S, DEBIAN_FRONTEND="noninteractive")
    host.write("/etc/ganeti/file-storage-paths", f"{STORAGE}\n")
    host.path(STORAGE).mkdir(parents=True)
    host.path("/srv/ganeti/os").mkdir()
    host.path("/srv/ganeti/os/micro").symlink_to(CHECKOUT / "os" / "micro")


@pytest.fixture
def three() -> Iterator[list[Host]]:
    """Three hosts with Debian's Ganeti."""
    skip_without_namespaces()
    assert debs("ganeti"), "run 'make prepare' first: Debian's packages of Ganeti are missing"
    with rack("hosta", "hostb", "hostc", others=OTHERS, prepare=_prepare) as (_network, hosts):
        # Ganeti asks for the name of an address, too, which the name server does not know.
        lines = [f"{host.address} {host.name} {host.name.partition('.')[0]}" for host in hosts]
        for host in hosts:
            host.path_first = ()
            host.write("/etc/hosts", "\n".join(["127.0.0.1 localhost", *lines]) + "\n")
            host.run("ip", "link", "add", "br0", "type", "bridge")
            host.run("ip", "link", "set", "br0", "up")
        yield hosts


def found_with_ganeti(hosts: list[Host]) -> None:
    """Make them a cluster with two guests, by Ganeti's commands."""
    first, *others = hosts
    first.run(
        "gnt-cluster", "init", f"--master-netdev={NETDEV}",
        "--enabled-disk-templates=file,diskless", "--no-ssh-init", "--no-etc-hosts",
        "--enabled-hypervisors=kvm", "-H", GUESTS,
        "--nic-parameters=link=br0", CLUSTER, timeout_s=WAIT_S,
    )  # fmt: skip
    key = first.make_key()
    names = " ".join(host.name for host in hosts)
    first.run("sh", "-c", f"ssh-keyscan {names} > /root/.ssh/known_hosts")
    for other, instance in zip(others, (INST1, INST2), strict=True):
        other.authorize(key)
        words = ("--no-ssh-key-check", "--no-node-setup")
        first.run("gnt-node", "add", *words, other.name, timeout_s=WAIT_S)
        first.run(
            "gnt-instance", "add", "-t", "file", "--disk", "0:size=64m", "-o", "micro+default",
            "--no-name-check", "--no-ip-check", "--ignore-ipolicy", "-B", "memory=128m",
            "-n", other.name, instance, timeout_s=WAIT_S,
        )  # fmt: skip


def boot_of(host: Host, instance: str) -> tuple[str, list[str]]:
    """Which boot of its guest a host runs, as the guest says, and in which process."""
    socket = host.path(f"/run/ganeti/kvm-hypervisor/ctrl/{instance}.serial")
    said = wait_console(socket, BOOT_ID, timeout_s=120, ask=ASK)
    assert said is not None, f"{instance} does not answer"
    return str(said.group(1)), guests(host)


def states(master: Host) -> list[str]:
    """Instances and how they are."""
    words = ("gnt-instance", "list", "--no-headers", "-o", "name,status")
    return master.run(*words, timeout_s=WAIT_S).stdout.split()


def check_console(master: Host, instance: str) -> None:
    """Talk to a guest as an operator does."""
    dialog = master.dialog("gnt-instance", "console", instance)
    for _ in range(10):
        dialog.expect("", answer="\nmicro")
        with suppress(AssertionError):
            dialog.expect(r"uptime [\d.]+ s", answer="\x1d", timeout_s=5)
            break
    assert "is up" in dialog.said
    dialog.finish()


def stop(hosts: list[Host]) -> None:
    """Stop the daemons, as before any swap."""
    for host in hosts:
        host.run("service", "ganeti", "stop", timeout_s=WAIT_S)


def test_swapped_and_back(three: list[Host]) -> None:
    first, second, third = three
    found_with_ganeti(three)
    assert states(first) == [INST1, "running", INST2, "running"]
    boots = [boot_of(second, INST1), boot_of(third, INST2)]
    jobs = first.run("gnt-job", "list", "--no-headers", "-o", "id").stdout.split()
    secret = first.path("/var/lib/ganeti/cluster-domain-secret").read_text()

    stop(three)
    for host in three:
        install(host)
    stop([first])
    first.run(f"{TOOLS}/cfgupgrade", "-f")
    first.run("service", "ganeti", "start")
    assert first.run("gnt-cluster", "--version").stdout.startswith("gnt-cluster (ganeti pyganeti")
    assert states(first) == [INST1, "running", INST2, "running"]
    assert (
        first.run("gnt-job", "list", "--no-headers", "-o", "id").stdout.split()[: len(jobs)] == jobs
    )
    assert first.path("/var/lib/ganeti/cluster-domain-secret").read_text() == secret
    assert "ERROR" not in first.run("gnt-cluster", "verify").stdout
    words = ("--new-cluster-certificate", "--new-node-certificates", "-f")
    first.run("gnt-cluster", "renew-crypto", *words)
    assert "ERROR" not in first.run("gnt-cluster", "verify").stdout
    check_console(first, INST1)
    assert [boot_of(second, INST1), boot_of(third, INST2)] == boots
    first.run("gnt-instance", "shutdown", "--timeout=5", INST1)
    assert guests(second) == []
    first.run("gnt-instance", "startup", INST1)
    boots = [boot_of(second, INST1), boots[1]]

    stop(three)
    first.run(f"{TOOLS}/cfgupgrade", "--downgrade", "-f")
    for host in three:
        host.run("dpkg", "--remove", "pyganeti", f"pyganeti-{OWN.minor}")
        host.run(
            "dpkg", "--force-confnew", "-i", *debs("ganeti"),
            timeout_s=WAIT_S, DEBIAN_FRONTEND="noninteractive",
        )  # fmt: skip
    for host in three:
        host.run("service", "ganeti", "start", timeout_s=WAIT_S)
        assert not Path(host.path("/var/lib/ganeti/ca.key")).exists()
    assert first.run("gnt-cluster", "--version").stdout.endswith(" 3.0.2\n")
    assert states(first) == [INST1, "running", INST2, "running"]
    assert [boot_of(second, INST1), boot_of(third, INST2)] == boots
    for instance in (INST1, INST2):
        first.run("gnt-instance", "shutdown", "--timeout=5", instance, timeout_s=WAIT_S)
    assert guests(second) == guests(third) == []
