"""``burnin`` on a cluster: everything is tried, and nothing of it stays."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ganeti_cluster import GANETI
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster

TEST = "burn1.example.com"
OTHER = "burn2.example.com"
SMALL = ("--mem-size=128m", "--vcpu-count=1", "--no-name-check")
WORDS = ("-o", "toy+plain", *SMALL)
REAL = ("-o", "micro+default", *SMALL)


def everything(cluster: Cluster) -> list[list[list[str]]]:
    return [cluster.listed("instance", "name,status"), cluster.listed("backup", "node,export")]


def burn(
    cluster: Cluster, *words: str, code: int = 0, basic: tuple[str, ...] = WORDS
) -> tuple[list[str], str]:
    """Run it; what it says, and what it complains of."""
    done = cluster.run(MASTER, "burnin", *basic, *words, timeout_s=900)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.splitlines(), done.stderr


def saving_os(cluster: Cluster) -> Path:
    """A definition that installs nothing, and whose exports hold something."""
    place = cluster.base / "toy"
    shutil.copytree(GANETI / "os" / "toy", place)
    (place / "export").write_text("#!/bin/sh\nhead -c 1000 /dev/zero\n")
    (place / "import").write_text("#!/bin/sh\ncat > /dev/null\n")
    return place


def test_everything_works_and_nothing_stays(cluster: Cluster, bridge_name: str) -> None:
    cluster.init(f"--nic-parameters=mode=bridged,link={bridge_name}", hypervisor="fake")
    cluster.add_os(saving_os(cluster))
    cluster.gnt("node", "add", "--no-ssh-key-check", "node2")
    words = ["--no-install", "-o", "toy+plain", "-t", "diskless", "-n", MASTER]
    cluster.gnt("instance", "add", *words, "ours.example.com")
    before = everything(cluster)

    lines, _ = burn(cluster, "-t", "file", "-v", TEST)
    titles = {line.removeprefix("- ") for line in lines}
    assert {"growing disks", "moving instances", "reinstalling", "asking confd"} <= titles
    assert lines[-2:] == ["- removing instances", "- everything worked"]
    assert everything(cluster) == before

    words = ["-t", "diskless", "--parallel", "--reboot-types=hard", TEST, OTHER]
    lines, _ = burn(cluster, *words)
    assert {"- failing over", "- migrating", "- adding and removing a NIC"} <= set(lines)
    assert everything(cluster) == before

    # What does not work is named, and leaves nothing either.
    _, said = burn(cluster, "-t", "file", "--disk-growth=1000t", TEST, code=1)
    assert f"burnin: {TEST}: growing disks: job " in said
    assert everything(cluster) == before

    for words, text in (
        (["-t", "file", "-n", "nosuch", TEST], "node nosuch is unknown"),
        (["-t", "file", "ours.example.com"], "instance ours.example.com is there already"),
        (["-t", "drbd", "-n", MASTER, TEST], "drbd needs 2 nodes, there are 1"),
    ):
        lines, said = burn(cluster, *words, code=1)
        assert lines == []
        assert text in said
    assert everything(cluster) == before


def titles(lines: list[str]) -> list[str]:
    """What was done, without what ``-v`` says of jobs."""
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


@pytest.fixture
def kvm_cluster(bridge_name: str) -> Iterator[Cluster]:
    """Three nodes for KVM guests; they see the same shared files."""
    with virtual_cluster(size=3) as made:
        nic = f"--nic-parameters=mode=bridged,link={bridge_name}"
        made.init_sharing(nic, templates="file,sharedfile,diskless")
        yield made


def test_guests_on_files(kvm_cluster: Cluster) -> None:
    sizes = ("--disk-size=1g,1g", "--disk-growth=64m,0", "--rename", OTHER)
    left_out = ("--no-reinstall", "--no-reboot", "--no-renamesame", "--no-startstop")
    words = ("-t", "file", *sizes, *left_out, "-n", "node1,node3", TEST)
    lines, _ = burn(kvm_cluster, *words, basic=REAL)
    assert titles(lines) == [
        "creating instances",
        "growing disks",
        "moving instances",
        "exporting, removing and importing instances",
        "starting instances",
        f"renaming to {OTHER} and back",
        "adding and removing a disk",
        "adding and removing a NIC",
        "activating and deactivating disks",
        "asking confd",
        "removing instances",
        "everything worked",
    ]
    assert_nothing_stays(kvm_cluster)


def test_guests_on_files_that_all_nodes_see(kvm_cluster: Cluster) -> None:
    hypervisor = "-Hkvm:vnc_bind_address=,serial_console=true"
    words = ("-t", "sharedfile", hypervisor, "--parallel", "--no-confd")
    left_out = ("--no-importexport", "--no-activate-disks", "--no-add-disks", "--no-add-nics")
    lines, _ = burn(kvm_cluster, *words, *left_out, TEST, OTHER, basic=REAL)
    assert titles(lines) == [
        "creating instances",
        "growing disks",
        "failing over",
        "migrating",
        "reinstalling",
        "rebooting",
        "renaming to the same name",
        "stopping and starting instances",
        "removing instances",
        "everything worked",
    ]
    assert_nothing_stays(kvm_cluster)


def test_a_guest_that_does_not_answer_is_kept(kvm_cluster: Cluster) -> None:
    words = ("-t", "diskless", "--http-check", "--net-timeout=2", "--keep-instances")
    lines, said = burn(kvm_cluster, *words, TEST, basic=REAL, code=1)
    assert titles(lines) == ["creating instances", "instances are left where they are"]
    assert f"burnin: {TEST}: http://{TEST}/hostname.txt: " in said
    assert kvm_cluster.listed("instance", "name,status") == [[TEST, "running"]]


def assert_nothing_stays(cluster: Cluster) -> None:
    assert everything(cluster) == [[], []]
    assert cluster.guests() == []
    assert cluster.images() == []
    assert cluster.runtime_files() == []
