"""The life of an instance made by Debian's own scripts, from the manual's first example on.

Volumes with partitions, turned into mirrors; a guest that counts while it is migrated and while its
mirror moves to a third machine; a machine that loses its power and comes back by itself; a backup.
"""

import time
from typing import Final

from tests.lab.conftest import Nodes
from tests.lab.drbd_cluster import DrbdCluster, whole
from tests.lab.guest import Guest
from tools.lab.nodes import Node

NAME: Final = "instance1"
GUEST: Final = Guest(NAME)
# What init and cron do on a machine that people use.
BOOT: Final = b"""#!/bin/sh
modprobe drbd
vgchange -ay xenvg
setsid sh -c 'while sleep 20; do ganeti-watcher; done' > /dev/null 2>&1 < /dev/null &
"""
# Instances may be as small as ours, and have a partition.
INIT: Final = (
    "--ipolicy-bounds-specs=min:cpu-count=1,disk-count=1,disk-size=64,memory-size=128,nic-count=1,"
    "spindle-use=1/max:cpu-count=8,disk-count=16,disk-size=1048576,memory-size=32768,nic-count=8,"
    "spindle-use=12",
)
# All that a partition holds but what its guest has counted and said meanwhile.
CONTENT: Final = "find /bin/ /usr/bin /etc/apt -xdev -type f | sort | xargs cat | sha256sum; "
BACK_S: Final = 400.0
# Several hundred MiB through TLS, sums and pipes of emulated machines.
DUMP_S: Final = 1500.0


def content(node: Node) -> str:
    """A checksum over much of what is installed in the guest."""
    found = GUEST.talk(node, f"\n{CONTENT} echo do''ne\n", r"[0-9a-f]{64}  -")
    return found.split()[0]


def wait_until_back(cluster: DrbdCluster, node: Node) -> None:
    """Until the cluster has mended itself after ``node`` was booted."""
    end = time.monotonic() + BACK_S
    while not (
        node.run("drbdsetup show", check=False)
        and whole(state := cluster.state(node))
        and state["role"] == "Secondary"
    ):
        assert time.monotonic() < end, cluster.info()
        node.run("sleep 5")


def test_the_life_of_an_instance(nodes: Nodes) -> None:
    one, two, three = nodes(3)
    cluster = DrbdCluster([one, two, three])
    cluster.begin(*INIT)
    cluster.gnt("cluster", "modify", "-H", "kvm:root_path=/dev/vda1", "-B", "memory=256m")
    for node in cluster.nodes:
        node.put({"/etc/rc.boot": BOOT}, mode=0o755)
        node.run("/etc/rc.boot")
    first, third = cluster.full_name(one), cluster.full_name(three)

    # The first example of ganeti(7), with a disk that fits.
    cluster.gnt("instance", "add", "-n", "node2", "-o", "debootstrap", "--disk", "0:size=1g",
                "-t", "plain", NAME)  # fmt: skip
    GUEST.log_in(two)
    before = content(two)
    cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "shutdown", NAME)
    cluster.gnt("instance", "modify", "-t", "drbd", "-n", third, NAME)
    cluster.gnt("instance", "startup", NAME)
    GUEST.log_in(two)
    GUEST.count(two)
    counted = GUEST.counted(two)
    cluster.gnt("instance", "migrate", "-f", NAME)
    now = GUEST.counted(three)
    assert (now.wrong, now.boot) == (0, counted.boot)
    assert now.lines > counted.lines

    three.cut_power()
    cluster.gnt("instance", "failover", "-f", "--ignore-consistency", NAME)
    GUEST.log_in(two)
    survived = GUEST.counted(two)
    assert survived.wrong == 0
    assert survived.lines >= now.lines
    three.power_on()
    wait_until_back(cluster, three)
    assert whole(cluster.state(two))
    cluster.gnt("cluster", "verify")

    GUEST.count(two)
    said = cluster.gnt("instance", "replace-disks", "-n", first, NAME)
    assert "STEP 6/6 Removing old storage" in said
    assert whole(cluster.state(two))
    assert GUEST.counted(two).wrong == 0
    assert three.run("lvs --noheadings xenvg") == ""
    assert three.run("drbdsetup show") == ""
    # The primary node loses its power and nobody does anything: its guest comes back with it.
    two.cut_power()
    two.power_on()
    GUEST.log_in(two)
    assert GUEST.counted(two).wrong == 0
    cluster.wait(one, whole)

    cluster.gnt("backup", "export", "-n", third, NAME, timeout_s=DUMP_S)
    assert cluster.listed("backup", "node,export") == [[third, NAME]]
    cluster.gnt("instance", "remove", "-f", NAME)
    for node in cluster.nodes:
        assert node.run("lvs --noheadings xenvg") == ""
    cluster.gnt("backup", "import", "-n", "node2", "--src-node", third, "-t", "plain",
                "--disk", "0:size=1g", NAME, timeout_s=DUMP_S)  # fmt: skip
    cluster.gnt("instance", "startup", NAME)
    GUEST.log_in(two)
    assert content(two) == before
    cluster.gnt("cluster", "verify")
