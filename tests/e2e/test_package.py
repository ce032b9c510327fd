"""The package on real hosts: installed, worked with, restarted, upgraded, removed, purged."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.model.communication import SERVICE_IP
from tests.e2e.bed import WEB, add_guest, bed, found, guests, install, packages
from tests.e2e.hosts import Host, rack, skip_without_namespaces
from tests.e2e.switch import Network
from tests.e2e.vcluster import wait_for
from tools.deb.edition import OWN
from tools.deb.programs import links, scripts
from tools.virtual import wait_console

SPEC = json.loads((Path(__file__).parents[1] / "spec" / "layout.json").read_text())
MASTERD = "gnt-masterd"
PACKAGES = ("pyganeti", f"pyganeti-{OWN.minor}")

Bed = tuple[Network, list[Host]]


@pytest.fixture
def three() -> Iterator[Bed]:
    """Three hosts with the package."""
    skip_without_namespaces()
    with bed("hosta", "hostb", "hostc") as made:
        yield made


@pytest.fixture
def bare() -> Iterator[Host]:
    """A host without it."""
    skip_without_namespaces()
    with rack("hosta", others={}) as (_network, (host,)):
        host.path_first = ()
        yield host


def owners(host: Host, path: str) -> tuple[str, str]:
    """User and group of a file, by name."""
    user, group = host.run("stat", "--format=%U %G", path).stdout.split()
    return user, group


def wrong_places(host: Host) -> list[str]:
    """What differs from the facts of the layout, of what there is."""
    wrong = []
    for entry in SPEC["entries"]:
        path = entry["path"].replace("{localstatedir}/run", "/run")
        path = path.replace("{localstatedir}", "/var")
        place = host.path(path)
        if entry["kind"] == "files inside directory" or not place.exists():
            assert not entry["must_exist"] or entry["kind"] != "directory", path
            continue
        users, groups = SPEC["_meta"]["users"], SPEC["_meta"]["groups"]
        wanted = entry["mode_octal"], users[entry["user"]], groups[entry["group"]]
        found = oct(stat.S_IMODE(place.stat().st_mode))[2:], *owners(host, path)
        if found != wanted:
            wrong.append(f"{path}: {found}, not {wanted}")
    return wrong


def user_of(host: Host, daemon: str) -> str:
    """As whom a daemon runs."""
    pid = host.path(f"/run/ganeti/{daemon}.pid").read_text().strip()
    return host.run("ps", "-o", "user:32=", "-p", pid).stdout.strip()


def check_metadata(node: Host) -> None:
    """The guest is told about itself by a daemon that is not root."""
    console = node.path(f"/run/ganeti/kvm-hypervisor/ctrl/{WEB}.serial")
    url = f"http://{SERVICE_IP}/ganeti/latest/meta_data.json"
    ask = f"\necho ans''wer $(wget -q -O - {url}) e''nd\n".encode()
    said = wait_console(console, r"answer (\{.*\}) end", timeout_s=90, ask=ask)
    assert said is not None
    assert json.loads(said.group(1))["name"] == WEB
    assert user_of(node, "ganeti-metad") == "gnt-metad"
    (record,) = node.files("/run/ganeti/metadata")
    assert owners(node, record) == ("root", "gnt-metad")


def test_a_cluster_of_three_lives_through_everything(three: Bed) -> None:
    _network, (first, second, third) = three
    found(first, second, third)
    assert user_of(first, "ganeti-masterd") == MASTERD
    assert user_of(first, "ganeti-noded") == "root"
    first.run("gnt-cluster", "modify", "--instance-communication-network=talk")
    add_guest(first, second, "--communication=yes")
    said = first.run("gnt-cluster", "verify").stdout
    assert "ERROR" not in said
    check_metadata(second)
    for host in (first, second, third):
        assert wrong_places(host) == []
    assert owners(second, "/var/lib/ganeti/cluster.db") == (MASTERD, MASTERD)

    running = guests(second)
    assert len(running) == 1
    for host in (first, second):
        host.run("service", "ganeti", "restart")
        # Installed over itself: an upgrade.
        install(host)
    assert first.daemons() == [
        "ganeti-confd",
        "ganeti-masterd",
        "ganeti-mond",
        "ganeti-noded",
        "ganeti-rapi",
    ]
    assert guests(second) == running
    assert WEB in first.run("gnt-instance", "list", "--no-headers", "-o", "name,status").stdout

    third.cut_power()
    third.power_on()
    third.run("service", "ganeti", "start")
    assert "ERROR" not in first.run("gnt-cluster", "verify").stdout
    assert wrong_places(third) == []

    first.run("gnt-node", "remove", third.name)
    wait_for(lambda: not third.daemons(), 10, "the node daemon to end")
    third.run("dpkg", "--purge", *PACKAGES)
    second.run("dpkg", "--remove", *PACKAGES)
    assert second.daemons() == []
    assert guests(second) == running
    second.run("dpkg", "--purge", *PACKAGES)
    # The guest goes on, with its disk.
    assert guests(second) == running
    assert [path for path in second.files("/srv/ganeti/file-storage") if WEB in path]


def test_purged_nothing_is_left(bare: Host) -> None:
    tops = ("/etc", "/usr/lib", "/usr/sbin", "/usr/bin", "/usr/share", "/var/lib", "/var/log")
    # What belongs to dpkg and to the tools that make users and services.
    ignored = ("/var/lib/dpkg", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow",
               "/etc/subuid", "/etc/subgid", "/var/log/dpkg.log", "/var/lib/systemd",
               "/etc/.pwd.lock", "/var/log/alternatives.log")  # fmt: skip

    def all_there() -> set[str]:
        listed = bare.run("find", *tops, "-xdev").stdout.splitlines()
        return {path for path in listed if not path.startswith(ignored)}

    before = all_there()
    install(bare)
    assert wrong_places(bare) == []
    for path in links(scripts()):
        assert "Traceback" not in bare.run(f"/{path}", "--help", code=None, stdin="").stderr
    for program in ("ganeti-noded", "ganeti-masterd", "ganeti-luxid", "ganeti-wconfd", "gnt-node"):
        assert bare.run(program, "--version").stdout.startswith(f"{program} (ganeti")
    # Neither root nor whose daemon it is.
    refused = bare.run("setpriv", "--reuid=65534", "--clear-groups", "ganeti-masterd", "-f", code=1)
    assert f"this daemon runs as {MASTERD}" in refused.stderr
    bare.write("/var/lib/ganeti/ssconf_node_list", "node1.example.com\n")
    completed = bare.run(
        "bash", "-c",
        ". /usr/share/bash-completion/completions/gnt-node; COMP_WORDS=(gnt-node info no)"
        "; COMP_CWORD=2; _gnt_node; echo ${COMPREPLY[*]}",
    )  # fmt: skip
    assert completed.stdout == "node1.example.com\n"
    bare.write("/var/lib/ganeti/export/web1/config.ini", "kept")
    bare.run("dpkg", "--purge", *PACKAGES)
    export = "/var/lib/ganeti/export"
    assert all_there() - before == {
        "/var/lib/ganeti", export, f"{export}/web1", f"{export}/web1/config.ini"
    }  # fmt: skip
    assert bare.run("getent", "passwd", MASTERD, code=None).returncode
    assert bare.run("getent", "group", "gnt-daemons", code=None).returncode
    assert not bare.path("/run/ganeti").exists()


def debians(host: Host, place: str = "/root/ganeti") -> str:
    """A package that behaves as Debian's ganeti does towards others; its path."""
    text = (
        "Package: ganeti\nVersion: 3.0.2-3\nArchitecture: all\nMaintainer: M <m@example.com>\n"
        "Description: stands for the real one\nProvides: ganeti-htools\nConflicts: ganeti-htools\n"
    )
    host.write(f"{place}/DEBIAN/control", text)
    host.write(f"{place}/DEBIAN/conffiles", "/etc/default/ganeti\n/etc/init.d/ganeti\n")
    gone = '#!/bin/sh\n[ "$1" != remove ] || chmod -x /etc/init.d/ganeti\n'
    host.write(f"{place}/DEBIAN/postrm", gone, mode=0o755)
    host.write(f"{place}/etc/default/ganeti", "NODED_ARGS=\n")
    for path in ("/etc/init.d/ganeti", "/usr/sbin/gnt-cluster", "/usr/lib/ganeti/daemon-util"):
        host.write(f"{place}{path}", "#!/bin/sh\nexit 0\n", mode=0o755)
    host.run("dpkg-deb", "--build", place)
    return f"{place}.deb"


def test_it_takes_the_place_of_debians_and_gives_it_back(bare: Host) -> None:
    theirs = debians(bare)
    bare.run("dpkg", "-i", theirs)
    bare.write("/var/lib/ganeti/config.data", "kept", mode=0o600)
    bare.write("/var/lib/ganeti/queue/archive/0/job-1", "kept", mode=0o600)
    install(bare)
    assert bare.run("gnt-cluster", "--version").stdout.startswith("gnt-cluster (ganeti")
    assert "RAPI_ARGS" in bare.path("/etc/default/ganeti").read_text()
    bare.run("service", "ganeti", "status", code=3)
    assert owners(bare, "/var/lib/ganeti/config.data") == (MASTERD, "gnt-confd")
    assert owners(bare, "/var/lib/ganeti/queue/archive/0/job-1") == (MASTERD, "gnt-daemons")

    # As apt does it when it is asked for the other one.
    bare.run("dpkg", "--remove", "pyganeti")
    bare.run("dpkg", "--force-confnew", "-i", theirs)
    assert bare.path("/usr/sbin/gnt-cluster").read_text() == "#!/bin/sh\nexit 0\n"
    bare.run("dpkg", "--purge", *PACKAGES)
    assert bare.path("/var/lib/ganeti/config.data").read_text() == "kept"
    assert bare.path("/etc/default/ganeti").exists()
    bare.run("getent", "passwd", MASTERD)


def test_it_is_not_installed_over_a_ganeti_that_runs(bare: Host) -> None:
    bare.write("/usr/sbin/ganeti-luxid", "#!/bin/sh\nsleep 600 & wait\n", mode=0o755)
    bare.path("/run/ganeti").mkdir()
    bare.run("sh", "-c", "ganeti-luxid > /dev/null 2>&1 & echo $! > /run/ganeti/ganeti-luxid.pid")
    pid = bare.path("/run/ganeti/ganeti-luxid.pid").read_text().strip()
    refused = bare.run("dpkg", "-i", *packages(), code=1)
    assert f"ganeti-luxid (process {pid})" in refused.stderr
    assert not bare.path("/usr/sbin/gnt-cluster").exists()
    bare.run("kill", pid)
    install(bare)
