"""A cluster of three hosts to the next version and back, while a guest runs."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.bed import WEB, add_guest, bed, found, guests
from tests.e2e.hosts import Host, skip_without_namespaces
from tests.e2e.next_version import NEXT, next_packages
from tests.e2e.vcluster import wait_for
from tools.deb.edition import OWN

DAEMONS = ["ganeti-confd", "ganeti-masterd", "ganeti-mond", "ganeti-noded", "ganeti-rapi"]


@pytest.fixture
def three() -> Iterator[list[Host]]:
    """Three hosts with this version's packages, and the next one's code beside it."""
    skip_without_namespaces()
    code, _commands = next_packages()
    with bed("hosta", "hostb", "hostc", also=(code,)) as (_network, hosts):
        yield hosts


def versions(hosts: list[Host]) -> list[str]:
    """What each host works with."""
    return [host.run("readlink", "/etc/ganeti/lib").stdout.strip() for host in hosts]


def place(version: str) -> str:
    """Where a version lies."""
    return f"/usr/lib/pyganeti/{version}"


def check_works(hosts: list[Host], version: str, running: list[str]) -> None:
    """All of it is of that version, and the guest that ran before runs."""
    first, second, _third = hosts
    assert versions(hosts) == [place(version)] * 3
    assert first.run("gnt-cluster", "--version").stdout.endswith(f" {version}.0\n")
    assert first.daemons() == DAEMONS
    assert all(place(version) in line for host in hosts for line in daemon_lines(host))
    config = json.loads(first.path("/var/lib/ganeti/config.data").read_text())
    major, minor = map(int, version.split("."))
    assert config["version"] == major * 1_000_000 + minor * 10_000
    assert guests(second) == running
    states = first.run("gnt-instance", "list", "--no-headers", "-o", "name,status").stdout
    assert states.split() == [WEB, "running"]
    assert "ERROR" not in first.run("gnt-cluster", "verify").stdout
    assert "unset" in first.run("gnt-cluster", "queue", "info").stdout
    assert "not paused" in first.run("gnt-cluster", "watcher", "info").stdout
    assert not first.path("/var/lib/ganeti/intent-to-upgrade").exists()


def daemon_lines(host: Host) -> list[str]:
    """Command lines of the daemons that run there."""
    return [line for line in host.processes() if "/ganeti-" in line]


def interrupt(host: Host, version: str, said: str) -> None:
    """Begin an upgrade, and kill the command once it has said that."""
    argv = host.argv("gnt-cluster", "upgrade", "--to", version)
    process = subprocess.Popen(argv, env=host.environ(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if said in line:
                break
        pid = host.path("/var/lib/ganeti/intent-to-upgrade").read_text().split()[2]
        host.run("kill", "-9", pid)
    assert process.returncode


def test_to_the_next_version_and_back(three: list[Host]) -> None:
    first, second, third = three
    found(first, second, third)
    add_guest(first, second)
    running = guests(second)
    assert len(running) == 1

    refused = first.run("gnt-cluster", "upgrade", "--to", "3.9", code=1)
    assert all(host.name in refused.stderr for host in three)
    before = [host.daemons() for host in three]
    pids = first.path("/run/ganeti/ganeti-masterd.pid").read_text()
    for host in three:
        host.run("dpkg", "-i", next_packages()[1])
    assert versions(three) == [place(OWN.minor)] * 3
    assert [host.daemons() for host in three] == before
    assert first.path("/run/ganeti/ganeti-masterd.pid").read_text() == pids

    print(first.run("gnt-cluster", "upgrade", "--to", NEXT).stdout)
    check_works(three, NEXT, running)
    first.run("gnt-cluster", "add-tags", "changed")
    kept = first.run("dpkg", "--remove", f"pyganeti-{NEXT}", code=1)
    assert versions(three) == [place(NEXT)] * 3, kept.stderr
    (backup,) = first.path("/var/lib").glob("ganeti-*.tar")
    assert backup.stat().st_mode & 0o777 == 0o600

    interrupt(first, OWN.minor, f"Changing to version {OWN.minor}")
    wait_for(lambda: not [line for line in first.processes() if "cfgupgrade" in line], 20, "peace")
    print(first.run("gnt-cluster", "upgrade", "--resume").stdout)
    check_works(three, OWN.minor, running)
    assert first.run("gnt-cluster", "list-tags").stdout == "changed\n"
    first.run("gnt-instance", "shutdown", "--timeout=0", WEB)
    assert guests(second) == []
