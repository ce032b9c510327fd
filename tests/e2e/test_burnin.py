"""``burnin`` on a cluster: everything is tried, and nothing of it stays."""

import shutil
from pathlib import Path

from tests.e2e.ganeti_cluster import GANETI
from tests.e2e.vcluster import MASTER, Cluster

TEST = "burn1.example.com"
OTHER = "burn2.example.com"
WORDS = ("-o", "toy+plain", "--mem-size=128m", "--vcpu-count=1", "--no-name-check")


def everything(cluster: Cluster) -> list[list[list[str]]]:
    return [cluster.listed("instance", "name,status"), cluster.listed("backup", "node,export")]


def burn(cluster: Cluster, *words: str, code: int = 0) -> tuple[list[str], str]:
    """Run it; what it says, and what it complains of."""
    done = cluster.run(MASTER, "burnin", *WORDS, *words, timeout_s=500)
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
